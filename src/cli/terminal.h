#pragma once
/// What may reach a terminal: names come from files and servers, and must not move the cursor or set a title.

#include <ostream>
#include <streambuf>
#include <string>

namespace hre::cli {

/// Whether a descriptor is a terminal that understands escape codes (not TERM=dumb).
bool draws_on(int descriptor);

/// Whether nobody reads what is written there any more.
bool reader_is_gone(int descriptor);

/// A message of the library in one line: settings are spelled as options, control characters are shown, not obeyed.
std::string visible_line(const std::string& message);

/// Stands between a stream and its terminal for as long as it lives: control characters are shown as <U+001B>, except
/// line ends, tabs, colours, and what progress needs, which starts its line anew.
class TerminalFilter final : public std::streambuf {
 public:
  explicit TerminalFilter(std::ostream& stream) : stream_(stream), terminal_(stream.rdbuf(this)) {}
  ~TerminalFilter() override { stream_.rdbuf(terminal_); }
  TerminalFilter(const TerminalFilter&) = delete;
  TerminalFilter& operator=(const TerminalFilter&) = delete;

 protected:
  int_type overflow(int_type c) override;
  std::streamsize xsputn(const char* text, std::streamsize size) override;
  int sync() override { return terminal_->pubsync(); }

 private:
  std::ostream& stream_;
  std::streambuf* terminal_;
};

}  // namespace hre::cli
