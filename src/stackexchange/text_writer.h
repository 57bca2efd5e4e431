#pragma once
/// Writes text as blocks of lines: white space collapses as on a page, blocks are separated, and every line begins with
/// the marks of the quotes and list items that contain it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hre::stackexchange {

class TextWriter {
 public:
  /// Writes text with collapsing white space.
  void words(std::string_view text);
  /// Writes text unchanged, line by line.
  void verbatim(std::string_view text);
  /// Writes a mark that is not part of the post's own text ("---").
  void mark(std::string_view text);
  /// The next text begins on a new line (1) or after an empty line (2).
  void separate(int lines);
  /// Ends one more line (<br>), up to one empty line.
  void end_line();
  void space() { space_ = !at_line_start_; }

  /// From here to pop(), lines begin with `first`, and after the first line with `rest`.
  void push(std::string first, std::string rest);
  void pop();

  /// Sets what kind of text follows, for counting; may be nested.
  int in_code = 0, in_link = 0, in_cell = 0;

  [[nodiscard]] int64_t code_points() const { return code_points_; }
  [[nodiscard]] int64_t code_code_points() const { return code_; }
  [[nodiscard]] int64_t link_code_points() const { return link_; }
  /// The text, without white space at its end.
  std::string take();
  std::string take_prose() { return std::move(prose_); }

 private:
  struct Prefix {
    std::string first, rest;
    bool used = false;
  };
  void begin_text();
  void line_prefix(size_t depth, bool blank);
  void append(std::string_view text);

  std::string text_, prose_;
  std::vector<Prefix> prefixes_;
  size_t common_ = 0;  // the number of prefixes that have held since the last text: an empty line shows these
  int breaks_ = 0;
  bool space_ = false, at_line_start_ = true;
  int64_t code_points_ = 0, code_ = 0, link_ = 0;
};

/// Whether white space collapses here: HTML's own white space, not U+00A0.
inline bool is_html_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'; }

}  // namespace hre::stackexchange
