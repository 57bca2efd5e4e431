#include "stackexchange/machine_text.h"

#include <algorithm>
#include <iterator>
#include <string>

namespace hre::stackexchange {

uint8_t machine_phrase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  for (size_t i = 1; i < std::size(kMachinePhrases); ++i) {
    if (lower.find(kMachinePhrases[i]) != std::string::npos) return static_cast<uint8_t>(i);
  }
  return 0;
}

bool is_of_model_times(const PostRecord& post) {
  static const int64_t begin = *parse_date("2022-12-01");
  return post.edited_ms >= begin;
}

}  // namespace hre::stackexchange
