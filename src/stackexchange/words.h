#pragma once
/// The words of a text and runs of them, by which texts are compared.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hre::stackexchange {

/// White space separates words; of scripts without spaces (Chinese, Japanese, Thai, Lao, Burmese, Khmer) each character
/// is a word. ASCII letters are in lower case. The text is valid UTF-8.
std::vector<std::string> words_of(std::string_view text);

/// Hashes of the runs of n words, in their order; none if there are fewer words, or if n is 0.
std::vector<uint64_t> hashes_of_runs(const std::vector<std::string>& words, size_t n);

}  // namespace hre::stackexchange
