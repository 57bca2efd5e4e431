#include "stackexchange/machine_text.h"

#include <iterator>
#include <string>

#include "core/text.h"

namespace hre::stackexchange {

uint8_t machine_phrase(std::string_view text) {
  const std::string words = lower(std::string(text));
  for (size_t i = 1; i < std::size(kMachinePhrases); ++i) {
    if (words.find(kMachinePhrases[i]) != std::string::npos) return static_cast<uint8_t>(i);
  }
  return 0;
}

bool is_of_model_times(const PostRecord& post) {
  static const int64_t begin = *parse_date("2022-12-01");
  return post.edited_ms >= begin;
}

}  // namespace hre::stackexchange
