#include "cli/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "core/text.h"
#include "core/visible.h"
#include "report/text_table.h"

namespace hre::cli {
namespace {

/// visible_text, but tabs stay.
std::string harmless(std::string_view text) {
  std::string safe;
  for (size_t tab = text.find('\t'); tab != std::string_view::npos; tab = text.find('\t')) {
    safe += visible_text(text.substr(0, tab)) + '\t';
    text.remove_prefix(tab + 1);
  }
  return safe + visible_text(text);
}

}  // namespace

bool draws_on(int descriptor) {
  const char* terminal = std::getenv("TERM");
  return isatty(descriptor) != 0 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

bool reader_is_gone(int descriptor) {
  pollfd polled = {descriptor, 0, 0};
  return poll(&polled, 1, 0) == 1 && (polled.revents & POLLERR) != 0;
}

std::string message_line(const std::string& message) {
  return visible_line(spell_settings(message, SettingSpelling::kCommandLine));
}

std::string message_text(const std::string& message, bool on_terminal) {
  return wrapped("hre: " + message_line(message), on_terminal ? width_for_people(STDERR_FILENO) : 0) + '\n';
}

void Console::print(std::string_view text) { out << wrapped(visible_text(text), width); }

int width_for_people(int descriptor) {
  constexpr int kNarrowest = 40, kUsual = 80;
  const char* given = std::getenv("COLUMNS");
  const auto columns = given == nullptr ? std::nullopt : parse_finite_number(given);
  if (columns && *columns >= 1 && *columns < 10000) return std::max(kNarrowest, static_cast<int>(*columns));
  winsize size = {};
  if (isatty(descriptor) == 0 || ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return std::max<int>(kNarrowest, size.ws_col);
}

void write_painted(std::ostream& out, std::string_view text) {
  auto* filter = dynamic_cast<TerminalFilter*>(out.rdbuf());
  if (filter == nullptr) {
    out << text;
  } else if (!filter->write_as_it_is(text)) {
    out.setstate(std::ios_base::badbit);
  }
  out.flush();
}

bool TerminalFilter::write_as_it_is(std::string_view text) {
  const auto length = static_cast<std::streamsize>(text.size());
  return terminal_->sputn(text.data(), length) == length;
}

TerminalFilter::int_type TerminalFilter::overflow(int_type c) {
  if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
  const char byte = traits_type::to_char_type(c);
  return xsputn(&byte, 1) == 1 ? c : traits_type::eof();
}

std::streamsize TerminalFilter::xsputn(const char* text, std::streamsize size) {
  return write_as_it_is(harmless({text, static_cast<size_t>(size)})) ? size : 0;
}

}  // namespace hre::cli
