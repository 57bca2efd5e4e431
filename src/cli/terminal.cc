#include "cli/terminal.h"

#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "core/text.h"
#include "core/visible.h"

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
