#pragma once
/// Recognises the language of a text, with CLD2.

#include <string>
#include <string_view>

namespace hre::stackexchange {

/// The code ("en", "pt") of the language of valid UTF-8 text; empty if it is unclear: too short, or mixed.
std::string language_of(std::string_view text);

/// Names the version of CLD2's data, on which language_of() depends.
std::string language_data();

}  // namespace hre::stackexchange
