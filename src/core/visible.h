#pragma once
/// Text from elsewhere (names in files, a server's words, datasets) where people read it: what a terminal would obey is
/// shown instead. Escapes and other control characters, U+0080 to U+009F too, and those that turn the direction of
/// text or hide in it (U+202E, U+200B).

#include <string>
#include <string_view>

namespace hre {

/// Line ends stay, tabs become spaces: "\x1b[2J" is "␛[2J", U+202E is "<U+202E>".
std::string visible_text(std::string_view text);

/// The same in one line, for names in tables and sentences: line ends are shown too, as ␊.
std::string visible_line(std::string_view text);

}  // namespace hre
