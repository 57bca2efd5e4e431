#include "hub/ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

namespace hre::hub {
namespace {

std::optional<int64_t> parse_offset(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Parses a complete line as a range.
std::optional<Range> parse_line(std::string_view line, int64_t size) {
  const size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto begin = parse_offset(line.substr(0, space)), end = parse_offset(line.substr(space + 1));
  if (!begin || !end || *begin < 0 || *begin >= *end || *end > size) return std::nullopt;
  return Range{*begin, *end};
}

}  // namespace

void RangeSet::add(Range range) {
  if (range.begin >= range.end) return;
  auto next = ends_.upper_bound(range.begin);
  if (next != ends_.begin() && std::prev(next)->second >= range.begin) {
    --next;
    range.begin = next->first;
  }
  while (next != ends_.end() && next->first <= range.end) {
    range.end = std::max(range.end, next->second);
    next = ends_.erase(next);
  }
  ends_.emplace(range.begin, range.end);
}

int64_t RangeSet::total() const {
  int64_t bytes = 0;
  for (const auto& [begin, end] : ends_) bytes += end - begin;
  return bytes;
}

int64_t RangeSet::prefix() const {
  const auto first = ends_.begin();
  return first == ends_.end() || first->first != 0 ? 0 : first->second;
}

std::vector<Range> RangeSet::missing(int64_t size, int64_t piece) const {
  std::vector<Range> pieces;
  const auto cut = [&](int64_t begin, int64_t end) {
    for (; begin < end; begin += piece) pieces.push_back({begin, std::min(begin + piece, end)});
  };
  int64_t at = 0;
  for (const auto& [begin, end] : ends_) {
    cut(at, std::min(begin, size));
    at = std::max(at, end);
  }
  cut(at, size);
  return pieces;
}

std::string record_head(int64_t size) { return fmt::format("size {}\n", size); }

std::string record_line(Range range) { return fmt::format("{} {}\n", range.begin, range.end); }

RangeSet parse_record(std::string_view text, int64_t size) {
  RangeSet ranges;
  const std::string head = record_head(size);
  if (!text.starts_with(head)) return ranges;
  text.remove_prefix(head.size());
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    if (const auto range = parse_line(text.substr(0, end), size)) ranges.add(*range);
    text.remove_prefix(end + 1);
  }
  return ranges;
}

}  // namespace hre::hub
