#pragma once
/// A post's HTML as plain text that reads like the page: paragraphs apart by an empty line, lists with
/// their marks, quotes behind "> ", code as it is. docs/datasets.md states the rules.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hre/result.h"

namespace hre::stackexchange {

enum class CodeStyle { kPlain, kFenced };

struct HtmlOptions {
  /// Plain: code without any mark. Fenced: blocks between lines of ```, code in a line between `.
  CodeStyle code = CodeStyle::kPlain;
};

struct HtmlText {
  std::string text;              ///< valid UTF-8, without empty lines and white space at its ends
  std::string prose;             ///< words outside of code, apart by spaces; for telling the language
  int64_t code_points = 0;       ///< of text that is not white space
  int64_t code_code_points = 0;  ///< ... within code
  int64_t link_code_points = 0;  ///< ... within links
  int64_t images = 0;
};

/// Limits that no real post comes near, so that no input is slow: bytes, and elements open at once.
inline constexpr size_t kLongestHtml = size_t{512} << 10;
inline constexpr int kDeepestHtml = 200;

/// HTML as text. Invalid UTF-8 becomes U+FFFD. Errors: too long, nested too deep.
Result<HtmlText> html_to_text(std::string_view html, const HtmlOptions& options);

}  // namespace hre::stackexchange
