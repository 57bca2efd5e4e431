#include "stackexchange/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "core/text.h"
#include "stackexchange/row_expat.h"

namespace hre::stackexchange {
namespace {

constexpr size_t kFirstWindow = size_t{1} << 20;
constexpr size_t kLongestProlog = size_t{64} << 10;
constexpr size_t kKeptProblems = 5;

bool is_utf8_name(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return name.empty() || name == "utf-8" || name == "us-ascii";
}

// Checked here, because expat would recognise UTF-16 by its mark and read the table's beginning.
bool is_utf16(std::string_view text) { return text.starts_with("\xFE\xFF") || text.starts_with("\xFF\xFE"); }

}  // namespace

const ScannedAttribute* TableRow::find(std::string_view name) const {
  const auto at =
      std::find_if(attributes_.begin(), attributes_.end(), [&](const auto& a) { return is_same_name(a.name, name); });
  return at == attributes_.end() ? nullptr : &*at;
}

std::optional<std::string_view> TableRow::raw(std::string_view name) const {
  const ScannedAttribute* attribute = find(name);
  if (attribute == nullptr) return std::nullopt;
  return attribute->value;
}

std::optional<std::string> TableRow::text(std::string_view name) const {
  const ScannedAttribute* attribute = find(name);
  if (attribute == nullptr) return std::nullopt;
  if (attribute->decoded) return std::string(attribute->value);
  std::string value;
  decode_attribute(attribute->value, value);
  return value;
}

std::optional<int64_t> TableRow::number_of(std::string_view name) const {
  const ScannedAttribute* attribute = find(name);
  if (attribute == nullptr) return std::nullopt;
  int64_t value = 0;
  const char* const end = attribute->value.data() + attribute->value.size();
  const auto [stop, problem] = std::from_chars(attribute->value.data(), end, value);
  if (problem != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::vector<std::pair<std::string, std::string>> TableRow::attributes() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const ScannedAttribute& attribute : attributes_) {
    all.emplace_back(std::string(attribute.name), *text(attribute.name));
  }
  return all;
}

Status TableReader::count_problem(int64_t number, int64_t offset, std::string message) {
  if (options_.strict)
    return input_error(std::move(message), where(number, offset), "without ‹strict› the row is skipped");
  ++skipped_;
  if (problems_.size() < kKeptProblems) problems_.push_back({number, offset, std::move(message)});
  return {};
}

Status TableReader::reject(const TableRow& row, std::string message) {
  return count_problem(row.number, row.offset, std::move(message));
}

XmlReader::XmlReader(ByteSource& bytes, std::string place, std::string root, RowOptions options)
    : TableReader(bytes, std::move(place), options), root_(std::move(root)) {
  window_.resize(kFirstWindow);
}

std::string XmlReader::where(int64_t number, int64_t offset) const {
  return fmt::format("{}: row {}, byte {}", place_, number, offset);
}

// Reads more bytes into the window; false at the source's end.
Result<bool> XmlReader::fill() {
  if (source_done_) return false;
  if (at_ > 0) {
    std::memmove(window_.data(), window_.data() + at_, end_ - at_);
    base_ += static_cast<int64_t>(at_);
    end_ -= at_;
    at_ = 0;
  }
  if (end_ == window_.size()) window_.resize(window_.size() * 2);
  Result<size_t> got = bytes_.read(window_.data() + end_, window_.size() - end_);
  if (!got) return forward(got);
  end_ += *got;
  source_done_ = *got == 0;
  return !source_done_;
}

Status XmlReader::open() {
  opened_ = true;
  while (ahead().size() <= kLongestProlog) {
    Result<bool> more = fill();
    if (!more) return forward(more);
    if (!*more) break;
  }
  if (ahead().empty()) return input_error("the file is empty", place_);
  if (is_utf16(ahead())) return input_error("the encoding is utf-16, not utf-8", place_);
  const std::string_view prolog = ahead().substr(0, kLongestProlog);
  const auto root_at = static_cast<size_t>(parse_xml(prolog, false).element_at);  // after comments, which may have rows
  const size_t length = std::min({prolog.find("<row", root_at), prolog.find("</", root_at), prolog.size()});
  const ParsedXml xml = parse_xml(prolog.substr(0, length), false);
  if (!xml.problem.empty()) return input_error(xml.problem, fmt::format("{}: byte {}", place_, xml.problem_at));
  if (xml.element != root_) {
    return input_error(xml.element.empty() ? fmt::format("this is not a table of a dump: <{}> was not found", root_)
                                           : fmt::format("the root element is <{}>, not <{}>", xml.element, root_),
                       place_);
  }
  if (!is_utf8_name(xml.encoding)) return input_error("the encoding is " + xml.encoding + ", not utf-8", place_);
  closed_ = xml.closed;
  at_ += length;
  return {};
}

Status XmlReader::cut_short() {
  closed_ = true;
  if (options_.allow_truncated) {
    truncated_ = true;
    return {};
  }
  return input_error(
      "the file is cut short: it ends before </" + root_ + ">", where(number_ + 1, position()),
      fmt::format("download the file again, or use ‹allow_truncated› to take the {} rows before", number_));
}

// Reads to the source's end, so that archives' checksums are verified and hashes cover the whole file.
Status XmlReader::end_of_table() {
  closed_ = true;
  while (true) {
    at_ = end_;
    Result<bool> more = fill();
    if (!more) return forward(more);
    if (!*more) return {};
  }
}

Result<bool> XmlReader::next(TableRow& row) {
  row.attributes_.clear();
  if (!opened_) {
    if (Status status = open(); !status) return forward(status);
    if (closed_) {
      if (Status status = end_of_table(); !status) return forward(status);
    }
  }
  while (!closed_) {
    while (at_ < end_ && is_xml_space(window_[at_])) ++at_;
    if (ahead().size() < root_.size() + 3) {  // enough to distinguish "<row " from the end
      Result<bool> more = fill();
      if (!more) return forward(more);
      if (*more) continue;
    }
    if (ahead().starts_with("</" + root_)) {
      if (Status status = end_of_table(); !status) return forward(status);
      return false;
    }
    Result<bool> taken = read_row(row);
    if (!taken || *taken) return taken;
  }
  return false;
}

// Reads the row at the window's beginning; false if the row was bad, or if the file has ended.
Result<bool> XmlReader::read_row(TableRow& row) {
  while (true) {
    row.attributes_.clear();
    size_t length = 0;
    Scan scan = scan_row(ahead(), row.attributes_, length);
    if (scan == Scan::kMore && ahead().size() < kLongestRow) {
      Result<bool> more = fill();
      if (!more) return forward(more);
      if (*more) continue;
      if (Status status = cut_short(); !status) return forward(status);
      return false;
    }
    row.number = ++number_;
    row.offset = position();
    if (scan == Scan::kDone) {
      at_ += length;
      return true;
    }
    bool taken = false;
    if (Status status = skip_bad(row, taken); !status) return forward(status);
    return taken;
  }
}

// The offset from at_ of the next `c` at or after `from`, reading on as needed; npos at the file's end. Bytes beyond
// the longest row are dropped from the window's beginning: position() shows that.
Result<size_t> XmlReader::find_ahead(char c, size_t from) {
  while (true) {
    const size_t found = ahead().find(c, from);
    if (found != std::string_view::npos) return found;
    from = ahead().size();
    if (from >= kLongestRow) {
      at_ += from;
      from = 0;
    }
    Result<bool> more = fill();
    if (!more) return forward(more);
    if (!*more) return std::string_view::npos;
  }
}

// The offset of the next row or of the table's end, after the current row; npos if the file ends before.
Result<size_t> XmlReader::find_boundary() {
  for (size_t from = 1;; ++from) {  // every boundary begins with "<", which a good row never contains
    Result<size_t> found = find_ahead('<', from);
    if (!found || *found == std::string_view::npos) return found;
    from = *found;
    while (ahead().size() < from + root_.size() + 2) {
      Result<bool> more = fill();
      if (!more) return forward(more);
      if (!*more) break;
    }
    const std::string_view rest = ahead().substr(from);
    if (rest.starts_with("<row") || rest.starts_with("</" + root_)) return from;
  }
}

// Moves to the next row (or the table's end), and asks expat about the bytes before it.
Status XmlReader::skip_bad(TableRow& row, bool& taken) {
  row.attributes_.clear();
  const int64_t begin = position();
  Result<size_t> length = find_boundary();
  if (!length) return forward(length);
  if (*length == std::string_view::npos) {
    --number_;
    return cut_short();
  }
  const bool whole = position() == begin;
  const std::string_view text = ahead().substr(0, *length);
  at_ += *length;
  if (!whole) return count_problem(row.number, begin, fmt::format("the row is longer than {} MiB", kLongestRow >> 20));
  ParsedXml xml = parse_xml(text, true);
  if (!xml.problem.empty() && !options_.strict) {
    const std::string clean = without_control_characters(text);
    ParsedXml again = clean.size() < text.size() ? parse_xml(clean, true) : ParsedXml{};
    if (clean.size() < text.size() && again.problem.empty()) {
      xml = std::move(again);
      ++cleaned_;
    }
  }
  if (!xml.problem.empty()) return count_problem(row.number, begin + xml.problem_at, std::move(xml.problem));
  if (xml.element != "row") return count_problem(row.number, begin, "<" + xml.element + "> where <row> was expected");
  decoded_ = std::move(xml.attributes);
  for (size_t i = 0; i + 1 < decoded_.size(); i += 2) row.attributes_.push_back({decoded_[i], decoded_[i + 1], true});
  taken = true;
  return {};
}

}  // namespace hre::stackexchange
