#pragma once
/// The language of a text, by CLD2.

#include <string>
#include <string_view>

namespace hre::stackexchange {

/// The code ("en", "pt") of the language of valid UTF-8 text; empty where it is not clear: too short, mixed.
std::string language_of(std::string_view text);

}  // namespace hre::stackexchange
