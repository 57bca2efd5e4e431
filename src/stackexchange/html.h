#pragma once
/// Converts a post's HTML to plain text that reads like the page: paragraphs separated by empty lines, lists with their
/// marks, quotes behind "> ", code unchanged. docs/datasets.md states the rules.

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
  std::string text;              ///< valid UTF-8, without empty lines and white space at the beginning and end
  std::string prose;             ///< words outside of code, separated by spaces; for recognising the language
  int64_t code_points = 0;       ///< of text that is not white space
  int64_t code_code_points = 0;  ///< ... within code
  int64_t link_code_points = 0;  ///< ... within links
  int64_t images = 0;
};

/// Limits that no real post reaches, so that no input is slow: bytes, and elements open at once.
inline constexpr size_t kLongestHtml = size_t{512} << 10;
inline constexpr int kDeepestHtml = 200;

/// Converts HTML to text. Invalid UTF-8 becomes U+FFFD. Errors: too long, too deeply nested.
Result<HtmlText> html_to_text(std::string_view html, const HtmlOptions& options);

}  // namespace hre::stackexchange
