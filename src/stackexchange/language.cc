// The only file that knows CLD2.
#include "stackexchange/language.h"

#include <cld2/public/compact_lang_det.h>

#include <algorithm>

#include "core/text.h"

namespace hre::stackexchange {

std::string language_of(std::string_view text) {
  constexpr size_t kEnough = size_t{64} << 10;
  size_t length = std::min(text.size(), kEnough);
  while (length < text.size() && length > 0 && continues_character(text[length])) --length;
  bool reliable = false;
  const CLD2::Language language =
      CLD2::DetectLanguage(text.data(), static_cast<int>(length), /*is_plain_text=*/true, &reliable);
  if (!reliable || language == CLD2::UNKNOWN_LANGUAGE) return {};
  const std::string code = CLD2::LanguageCode(language);
  return code.substr(0, code.find('-'));  // zh-Hant becomes zh
}

std::string language_data() { return CLD2::DetectLanguageVersion(); }

}  // namespace hre::stackexchange
