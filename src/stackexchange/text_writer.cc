#include "stackexchange/text_writer.h"

#include <algorithm>

#include "core/text.h"

namespace hre::stackexchange {
namespace {

constexpr size_t kDeepestPrefix = 16;  // deeper quotes and lists add no marks, so that lines stay short

int64_t count_visible(std::string_view text) {
  return count_code_points(text) - std::count_if(text.begin(), text.end(), is_html_space);
}

}  // namespace

void TextWriter::append(std::string_view text) {
  text_ += text;
  const int64_t n = count_visible(text);
  code_points_ += n;
  if (in_code > 0) code_ += n;
  if (in_link > 0) link_ += n;
  if (in_code == 0) prose_ += text;
}

void TextWriter::line_prefix(size_t depth, bool blank) {
  const size_t begin = text_.size();
  for (size_t i = 0; i < std::min(depth, kDeepestPrefix); ++i) {
    text_ += prefixes_[i].used || blank ? prefixes_[i].rest : prefixes_[i].first;
    if (!blank) prefixes_[i].used = true;
  }
  if (blank) {
    while (text_.size() > begin && text_.back() == ' ') text_.pop_back();
  }
}

// Writes the pending line breaks and marks, or the pending space, before text.
void TextWriter::begin_text() {
  if (!text_.empty()) {
    if (breaks_ > 0) text_ += '\n';
    if (breaks_ > 1) {
      line_prefix(std::min(common_, prefixes_.size()), true);
      text_ += '\n';
    }
  }
  if (text_.empty() || breaks_ > 0) {
    line_prefix(prefixes_.size(), false);
  } else if (space_) {
    text_ += ' ';
  }
  if (space_ || breaks_ > 0) prose_ += ' ';
  breaks_ = 0;
  space_ = at_line_start_ = false;
  common_ = prefixes_.size();
}

void TextWriter::words(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    if (is_html_space(text[at])) {
      space();
      ++at;
      continue;
    }
    const size_t end =
        std::find_if(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), is_html_space) - text.begin();
    begin_text();
    append(text.substr(at, end - at));
    at = end;
  }
}

void TextWriter::verbatim(std::string_view text) {
  if (text.empty()) return;
  begin_text();
  while (true) {
    const size_t end = std::min(text.find('\n'), text.size());
    append(text.substr(0, end));
    if (end == text.size()) return;
    text.remove_prefix(end + 1);
    text_ += '\n';
    prose_ += ' ';
    line_prefix(prefixes_.size(), text.empty() || text.front() == '\n');
  }
}

void TextWriter::mark(std::string_view text) {
  begin_text();
  text_ += text;
}

void TextWriter::separate(int lines) {
  if (in_cell > 0) return space();
  breaks_ = std::max(breaks_, lines);
  space_ = false;
  at_line_start_ = true;
}

void TextWriter::end_line() { separate(std::min(breaks_ + 1, 2)); }

void TextWriter::push(std::string first, std::string rest) {
  common_ = std::min(common_, prefixes_.size());
  prefixes_.push_back({std::move(first), std::move(rest)});
}

void TextWriter::pop() {
  prefixes_.pop_back();
  common_ = std::min(common_, prefixes_.size());
}

std::string TextWriter::take() {
  const auto visible = [](char c) { return !is_html_space(c); };
  text_.erase(std::find_if(text_.rbegin(), text_.rend(), visible).base(), text_.end());
  size_t begin = 0;
  // Drops lines of white space before the first text, but keeps the indentation of the text itself (code).
  for (size_t at = 0; at < text_.size() && is_html_space(text_[at]); ++at) {
    if (text_[at] == '\n') begin = at + 1;
  }
  return text_.substr(begin);
}

}  // namespace hre::stackexchange
