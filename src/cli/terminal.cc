#include "cli/terminal.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "core/text.h"
#include "report/show.h"

namespace hre::cli {
namespace {

/// The length of what hre itself writes, at the beginning of a text: "\r\033[K", and "\033[1;31m".
size_t own_code(std::string_view text) {
  constexpr std::string_view kAnew = "\r\033[K", kStart = "\033[";
  if (text.starts_with(kAnew)) return kAnew.size();
  if (!text.starts_with(kStart)) return 0;
  const size_t end = text.find_first_not_of("0123456789;", kStart.size());
  return end != std::string_view::npos && text[end] == 'm' ? end + 1 : 0;
}

std::string harmless(std::string_view text) {
  std::string safe;
  for (size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const bool high_control =
        byte == 0xC2 && at + 1 < text.size() && (text[at + 1] & 0xE0) == 0x80;  // U+0080 to U+009F
    if (const size_t own = own_code(text.substr(at)); own > 0) {
      safe += text.substr(at, own);
      at += own;
    } else if (high_control) {
      safe += fmt::format("<U+{:04X}>", static_cast<unsigned char>(text[at + 1]));
      at += 2;
    } else if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F) {
      safe += fmt::format("<U+{:04X}>", byte);
      ++at;
    } else {
      safe += text[at++];
    }
  }
  return safe;
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

std::string visible_line(const std::string& message) {
  std::string line = visible_text(spell_settings(message, SettingSpelling::kCommandLine));
  for (size_t at = line.find('\n'); at != std::string::npos; at = line.find('\n', at)) line.replace(at, 1, "\u240A");
  return line;
}

TerminalFilter::int_type TerminalFilter::overflow(int_type c) {
  if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
  const char byte = traits_type::to_char_type(c);
  return xsputn(&byte, 1) == 1 ? c : traits_type::eof();
}

std::streamsize TerminalFilter::xsputn(const char* text, std::streamsize size) {
  const std::string safe = harmless({text, static_cast<size_t>(size)});
  const auto length = static_cast<std::streamsize>(safe.size());
  return terminal_->sputn(safe.data(), length) == length ? size : 0;
}

}  // namespace hre::cli
