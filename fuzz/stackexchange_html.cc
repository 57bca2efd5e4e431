// Posts' HTML: no crash, no slow input (libFuzzer's -timeout), and valid UTF-8 comes out.
#include <cstdlib>

#include "core/text.h"
#include "stackexchange/html.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hre::stackexchange;
  const std::string_view html(reinterpret_cast<const char*>(data), size);
  for (const CodeStyle code : {CodeStyle::kPlain, CodeStyle::kFenced}) {
    const hre::Result<HtmlText> text = html_to_text(html, {code});
    if (!text) continue;
    if (hre::find_invalid_utf8(text->text) || hre::find_invalid_utf8(text->prose)) std::abort();
    if (text->code_code_points > text->code_points || text->link_code_points > text->code_points) std::abort();
  }
  return 0;
}
