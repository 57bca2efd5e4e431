#pragma once
/// What may reach a terminal: names come from files and servers, and must not move the cursor or set a title.

#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace hre::cli {

/// Whether a descriptor is a terminal that understands escape codes (not TERM=dumb).
bool draws_on(int descriptor);

/// Columns that text for people may take there: $COLUMNS, else the terminal's, else 80; at least 40.
int width_for_people(int descriptor);

/// Whether nobody reads what is written there any more.
bool reader_is_gone(int descriptor);

/// A message of the library in one line: settings are spelled as options, control characters are shown, not obeyed.
std::string message_line(const std::string& message);

/// "hre: " and message_line, with a line end; broken between words where standard error is a terminal.
std::string message_text(const std::string& message, bool on_terminal);

/// Writes hre's own codes with the text around them, in which all from elsewhere is visible_text already.
void write_painted(std::ostream& out, std::string_view text);

/// Stands between a stream and its terminal for as long as it lives: no code reaches the terminal but what
/// write_painted() writes. Control characters are shown (core/visible.h), except line ends and tabs.
class TerminalFilter final : public std::streambuf {
 public:
  explicit TerminalFilter(std::ostream& stream) : stream_(stream), terminal_(stream.rdbuf(this)) {}
  ~TerminalFilter() override { stream_.rdbuf(terminal_); }
  TerminalFilter(const TerminalFilter&) = delete;
  TerminalFilter& operator=(const TerminalFilter&) = delete;

  bool write_as_it_is(std::string_view text);

 protected:
  int_type overflow(int_type c) override;
  std::streamsize xsputn(const char* text, std::streamsize size) override;
  int sync() override { return terminal_->pubsync(); }

 private:
  std::ostream& stream_;
  std::streambuf* terminal_;
};

}  // namespace hre::cli
