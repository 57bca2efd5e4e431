#include "stackexchange/html_guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "core/text.h"
#include "stackexchange/html.h"

namespace hre::stackexchange {
namespace {

constexpr size_t kMostAttributes = 64;
constexpr size_t kLongestIrregular = size_t{16} << 10;

char lower_letter(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool is_letter(char c) { return lower_letter(c) >= 'a' && lower_letter(c) <= 'z'; }
bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower_letter(x) == lower_letter(y); });
}

template <size_t n>
bool among(std::string_view name, const std::array<std::string_view, n>& names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view other) { return same(name, other); });
}

// Elements that are never nested in one another: each closes the previous one, or is empty. All of them end foreign
// content (SVG), so this holds everywhere.
constexpr std::array<std::string_view, 7> kNeverDeep = {"p", "li", "dd", "dt", "br", "hr", "img"};

// Elements whose content is not parsed as tags.
constexpr std::array<std::string_view, 10> kRaw = {"script", "style",   "textarea", "title",    "xmp",
                                                   "iframe", "noembed", "noframes", "noscript", "plaintext"};

// Follows the tags of HTML and keeps an upper bound of the number of open elements. An end tag lowers the bound only if
// it closes the element opened last; once the text is not plainly regular, no end tag does.
class Guard {
 public:
  explicit Guard(std::string_view html) : html_(html) {}

  std::string look() {
    while (at_ < html_.size()) {
      at_ = html_.find('<', at_);
      if (at_ == std::string_view::npos) break;
      ++at_;
      markup();
      if (hopeless()) break;  // what follows can't change that
      if (open_.size() > static_cast<size_t>(kDeepestHtml))
        return fmt::format("more than {} elements are open at once", kDeepestHtml);
      if (attributes_ > kMostAttributes) return fmt::format("a tag has more than {} attributes", kMostAttributes);
    }
    if (hopeless()) return "its tags can't be distinguished from text";
    return {};
  }

 private:
  [[nodiscard]] bool hopeless() const { return !regular_ && html_.size() > kLongestIrregular; }
  [[nodiscard]] char here() const { return at_ < html_.size() ? html_[at_] : '\0'; }

  void markup() {
    if (is_letter(here())) return start_tag();
    if (here() == '/') return end_tag();
    if (here() == '!') return comment();
    regular_ = regular_ && here() != '?';
  }

  std::string_view name() {
    const size_t begin = at_;
    while (at_ < html_.size() && !is_space(html_[at_]) && html_[at_] != '/' && html_[at_] != '>') ++at_;
    return html_.substr(begin, at_ - begin);
  }

  void start_tag() {
    const std::string_view element = name();
    attributes();
    if (among(element, kRaw)) regular_ = false;
    if (!among(element, kNeverDeep)) open_.push_back(element);
  }

  void end_tag() {
    ++at_;
    if (!is_letter(here())) {
      regular_ = false;
      return;
    }
    const std::string_view element = name();
    attributes();
    if (regular_ && !open_.empty() && same(open_.back(), element)) open_.pop_back();
  }

  // Once the text is irregular, comments are followed like any text, which only raises the bound: looking for the end
  // of every comment would take quadratic time where there is none.
  void comment() {
    if (!regular_) return;
    const std::string_view rest = html_.substr(at_);
    const size_t end = rest.find("-->", 3);
    const bool plain = rest.starts_with("!--") && end != std::string_view::npos && !rest.substr(3).starts_with('>') &&
                       !rest.substr(3).starts_with("->") && rest.substr(0, end).find("--!>") == std::string_view::npos;
    if (plain) at_ += end + 3;
    regular_ = plain;
  }

  // Reads from a tag's name to its ">".
  void attributes() {
    attributes_ = 0;
    while (at_ < html_.size()) {
      while (is_space(here()) || here() == '/') ++at_;
      if (here() == '>') return;
      ++attributes_;
      if (!attribute()) {
        regular_ = false;
        return;
      }
    }
    regular_ = false;
  }

  static bool ends_name(char c) {
    return is_space(c) || c == '/' || c == '>' || c == '=' || c == '"' || c == '\'' || c == '<' || c == '\0';
  }

  bool attribute() {
    const size_t begin = at_;
    while (!ends_name(here())) ++at_;
    if (at_ == begin) return false;
    if (here() != '=') return is_space(here()) || here() == '/' || here() == '>';
    ++at_;
    if (here() == '"' || here() == '\'') {
      at_ = html_.find(here(), at_ + 1);
      if (at_ == std::string_view::npos) at_ = html_.size();
      ++at_;
      return is_space(here()) || here() == '/' || here() == '>';
    }
    const size_t value = at_;
    while (at_ < html_.size() && !is_space(here()) && here() != '>') {
      if (here() == '"' || here() == '\'' || here() == '<' || here() == '=' || here() == '`') return false;
      ++at_;
    }
    return at_ > value;
  }

  std::string_view html_;
  size_t at_ = 0;
  size_t attributes_ = 0;
  bool regular_ = true;
  std::vector<std::string_view> open_;
};

}  // namespace

std::string html_problem(std::string_view html) {
  if (html.size() > kLongestHtml) return fmt::format("it is longer than {} KiB", kLongestHtml >> 10);
  return Guard(html).look();
}

}  // namespace hre::stackexchange
