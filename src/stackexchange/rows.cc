#include "stackexchange/rows.h"

#include <expat.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>

#include "core/text.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace hre::stackexchange {
namespace {

constexpr size_t kFirstWindow = size_t{1} << 20;
constexpr size_t kLongestProlog = size_t{64} << 10;
constexpr size_t kKeptProblems = 5;
constexpr size_t kMostAttributes = 64;

enum class Scan { kDone, kMore, kBad };

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name(char c) { return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; }

// What a stretch of bytes holds besides plain text.
struct Found {
  size_t stop = std::string_view::npos;  // the first '"' or '<'
  bool control = false;                  // bytes below 0x20 before it (or a little after)
  bool high = false;                     // bytes of 0x80 and above, likewise
};

void look_at(char c, size_t at, Found& found) {
  const auto byte = static_cast<unsigned char>(c);
  if (c == '"' || c == '<') found.stop = std::min(found.stop, at);
  found.control = found.control || byte < 0x20;
  found.high = found.high || byte >= 0x80;
}

Found find_stop(std::string_view text, size_t at) {
  Found found;
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"'), less = _mm_set1_epi8('<'), last_control = _mm_set1_epi8(0x1F);
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const int stops = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, less)));
    const int controls = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(block, last_control), block));
    found.high = found.high || _mm_movemask_epi8(block) != 0;
    found.control = found.control || controls != 0;
    if (stops != 0) {
      found.stop = at + static_cast<size_t>(__builtin_ctz(static_cast<unsigned>(stops)));
      return found;
    }
  }
#endif
  for (; at < text.size() && found.stop == std::string_view::npos; ++at) look_at(text[at], at, found);
  return found;
}

bool is_xml_char(uint32_t c) {
  return c == 0x9 || c == 0xA || c == 0xD || (c >= 0x20 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) ||
         (c >= 0x10000 && c <= 0x10FFFF);
}

// The code point of "#65" or "#x41"; nothing where it is none that XML allows.
std::optional<uint32_t> character_reference(std::string_view name) {
  const bool hex = name.starts_with("#x");
  name.remove_prefix(hex ? 2 : 1);
  uint32_t value = 0;
  const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), value, hex ? 16 : 10);
  if (problem != std::errc() || end != name.data() + name.size() || !is_xml_char(value)) return std::nullopt;
  return value;
}

std::optional<uint32_t> reference(std::string_view name) {
  if (name == "lt") return '<';
  if (name == "gt") return '>';
  if (name == "amp") return '&';
  if (name == "quot") return '"';
  if (name == "apos") return '\'';
  if (name.starts_with('#')) return character_reference(name);
  return std::nullopt;
}

constexpr size_t kLongestReference = 12;  // "#x10FFFF" and some zeros

bool references_are_good(std::string_view value) {
  const char* const end = value.data() + value.size();
  for (const char* at = value.data(); at != end;) {
    at = static_cast<const char*>(std::memchr(at, '&', static_cast<size_t>(end - at)));
    if (at == nullptr) return true;
    const std::string_view rest(at + 1, std::min<size_t>(end - at - 1, kLongestReference));
    // The two that make up most of a body are told apart without a search.
    if (rest.starts_with("lt;") || rest.starts_with("gt;")) {
      at += 4;
      continue;
    }
    const size_t semicolon = rest.find(';');
    if (semicolon == std::string_view::npos || !reference(rest.substr(0, semicolon))) return false;
    at += semicolon + 2;
  }
  return true;
}

bool has_bad_control(std::string_view value) {
  return std::any_of(value.begin(), value.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 && !is_space(c); });
}

bool has_bad_utf8(std::string_view value) {
  return find_invalid_utf8(value) || value.find("\xEF\xBF\xBE") != std::string_view::npos ||
         value.find("\xEF\xBF\xBF") != std::string_view::npos;
}

// A value from text[at], which follows its opening quote; moves `at` past the closing one.
Scan scan_value(std::string_view text, size_t& at, std::string_view& value) {
  const Found found = find_stop(text, at);
  if (found.stop == std::string_view::npos) return Scan::kMore;
  if (text[found.stop] == '<') return Scan::kBad;
  value = text.substr(at, found.stop - at);
  if (found.control && has_bad_control(value)) return Scan::kBad;
  if (found.high && has_bad_utf8(value)) return Scan::kBad;
  if (!references_are_good(value)) return Scan::kBad;
  at = found.stop + 1;
  return Scan::kDone;
}

// A name and "=" and the opening quote from text[at].
Scan scan_name(std::string_view text, size_t& at, std::string_view& name) {
  if (!is_name_start(text[at])) return Scan::kBad;
  const size_t begin = at;
  while (at < text.size() && is_name(text[at])) ++at;
  if (at + 2 > text.size()) return Scan::kMore;
  name = text.substr(begin, at - begin);
  if (text[at] != '=' || text[at + 1] != '"') return Scan::kBad;
  at += 2;
  return Scan::kDone;
}

void append_code_point(uint32_t c, std::string& to) {
  if (c < 0x80) {
    to += static_cast<char>(c);
  } else if (c < 0x800) {
    to += {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
  } else if (c < 0x10000) {
    to += {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3F)),
           static_cast<char>(0x80 | (c & 0x3F))};
  } else {
    to += {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3F)),
           static_cast<char>(0x80 | (c >> 6 & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
  }
}

// --- expat ---------------------------------------------------------------------------------

struct FreeParser {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};
using Parser = std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeParser>;

// What expat saw: the first element with its attributes, whether it was closed, and what is refused.
struct Seen {
  XML_Parser parser = nullptr;
  std::string element;
  std::vector<std::string> attributes;  // name, value, name, value, ...
  int depth = 0, elements = 0;
  bool doctype = false;
  std::string encoding;
};

void on_start(void* data, const char* name, const char** attributes) {
  auto& seen = *static_cast<Seen*>(data);
  if (seen.elements++ == 0) {
    seen.element = name;
    for (; *attributes != nullptr; ++attributes) seen.attributes.emplace_back(*attributes);
  }
  ++seen.depth;
}

void on_end(void* data, const char*) { --static_cast<Seen*>(data)->depth; }

void on_doctype(void* data, const char*, const char*, const char*, int) {
  auto& seen = *static_cast<Seen*>(data);
  seen.doctype = true;
  XML_StopParser(seen.parser, XML_FALSE);
}

void on_declaration(void* data, const char*, const char* encoding, int) {
  if (encoding != nullptr) static_cast<Seen*>(data)->encoding = encoding;
}

// Parses text as a document, or as the beginning of one; what is wrong with it, or nothing.
struct Verdict {
  std::string problem;  // empty if none
  int64_t at = 0;       // byte of the problem
};

Verdict parse(std::string_view text, bool whole, Seen& seen) {
  const Parser parser(XML_ParserCreate(nullptr));
  seen.parser = parser.get();
  XML_SetUserData(parser.get(), &seen);
  XML_SetElementHandler(parser.get(), on_start, on_end);
  XML_SetStartDoctypeDeclHandler(parser.get(), on_doctype);
  XML_SetXmlDeclHandler(parser.get(), on_declaration);
  const auto status = XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), whole ? 1 : 0);
  const int64_t at = std::max<int64_t>(0, XML_GetCurrentByteIndex(parser.get()));
  if (seen.doctype) return {"it has a DOCTYPE, which no dump has: entities are refused", at};
  if (status == XML_STATUS_OK) return {};
  return {XML_ErrorString(XML_GetErrorCode(parser.get())), at};
}

bool is_utf8_name(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return name.empty() || name == "utf-8" || name == "us-ascii";
}

}  // namespace

void decode_attribute(std::string_view raw, std::string& to) {
  to.reserve(to.size() + raw.size());
  for (size_t at = 0; at < raw.size();) {
    const size_t plain = std::min(raw.find_first_of("&\t\n\r", at), raw.size());
    to.append(raw, at, plain - at);
    at = plain;
    if (at == raw.size()) return;
    if (raw[at] == '&') {
      const size_t semicolon = raw.find(';', at);
      append_code_point(reference(raw.substr(at + 1, semicolon - at - 1)).value_or(0xFFFD), to);
      at = semicolon == std::string_view::npos ? raw.size() : semicolon + 1;
    } else {  // XML reads a line's end within a value, however it is written, as one space
      at += raw.substr(at, 2) == "\r\n" ? 2 : 1;
      to += ' ';
    }
  }
}

const Row::Attribute* Row::find(std::string_view name) const {
  const auto at = std::find_if(attributes_.begin(), attributes_.end(), [&](const auto& a) { return a.name == name; });
  return at == attributes_.end() ? nullptr : &*at;
}

std::optional<std::string_view> Row::raw(std::string_view name) const {
  const Attribute* attribute = find(name);
  if (attribute == nullptr) return std::nullopt;
  return attribute->value;
}

std::optional<std::string> Row::text(std::string_view name) const {
  const Attribute* attribute = find(name);
  if (attribute == nullptr) return std::nullopt;
  if (attribute->decoded) return std::string(attribute->value);
  std::string value;
  decode_attribute(attribute->value, value);
  return value;
}

std::optional<int64_t> Row::number_of(std::string_view name) const {
  const Attribute* attribute = find(name);
  if (attribute == nullptr) return std::nullopt;
  int64_t value = 0;
  const char* const end = attribute->value.data() + attribute->value.size();
  const auto [stop, problem] = std::from_chars(attribute->value.data(), end, value);
  if (problem != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::vector<std::pair<std::string, std::string>> Row::attributes() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const Attribute& attribute : attributes_) {
    all.emplace_back(std::string(attribute.name), *text(attribute.name));
  }
  return all;
}

RowReader::RowReader(ByteSource& bytes, std::string place, std::string root, RowOptions options)
    : bytes_(bytes), place_(std::move(place)), root_(std::move(root)), options_(options) {
  window_.resize(kFirstWindow);
}

std::string RowReader::where(int64_t number, int64_t offset) const {
  return fmt::format("{}: row {}, byte {}", place_, number, offset);
}

// Reads more behind what is there; false at the source's end.
Result<bool> RowReader::fill() {
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

Status RowReader::open() {
  opened_ = true;
  size_t length = std::string_view::npos;
  while (true) {
    length = std::min(ahead().find("<row"), ahead().find("</"));
    if (length != std::string_view::npos || ahead().size() > kLongestProlog) break;
    Result<bool> more = fill();
    if (!more) return forward(more);
    if (!*more) break;
  }
  if (ahead().empty()) return input_error("the file is empty", place_);
  length = std::min({length, ahead().size(), kLongestProlog});
  Seen seen;
  const Verdict verdict = parse(ahead().substr(0, length), false, seen);
  if (!verdict.problem.empty()) return input_error(verdict.problem, fmt::format("{}: byte {}", place_, verdict.at));
  if (seen.element != root_) {
    return input_error(seen.element.empty() ? fmt::format("this is no table of a dump: <{}> was not found", root_)
                                            : fmt::format("its element is <{}>, not <{}>", seen.element, root_),
                       place_);
  }
  if (!is_utf8_name(seen.encoding)) return input_error("its encoding is " + seen.encoding + ", not utf-8", place_);
  closed_ = seen.depth == 0;
  at_ += length;
  return {};
}

Status RowReader::count_problem(int64_t number, int64_t offset, std::string message) {
  if (options_.strict) return input_error(std::move(message), where(number, offset), "without --strict it is skipped");
  ++skipped_;
  if (problems_.size() < kKeptProblems) problems_.push_back({number, offset, std::move(message)});
  return {};
}

Status RowReader::reject(const Row& row, std::string message) {
  return count_problem(row.number, row.offset, std::move(message));
}

Status RowReader::cut_short() {
  closed_ = true;
  if (options_.allow_truncated) {
    truncated_ = true;
    return {};
  }
  return input_error("the file is cut short: it ends before </" + root_ + ">", where(number_ + 1, position()),
                     fmt::format("download it again, or take the {} rows before with --allow-truncated", number_));
}

// Reads on to the source's end, so that checksums of archives are checked and hashes are of the whole file.
Status RowReader::end_of_table() {
  closed_ = true;
  while (true) {
    at_ = end_;
    Result<bool> more = fill();
    if (!more) return forward(more);
    if (!*more) return {};
  }
}

Result<bool> RowReader::next(Row& row) {
  row.attributes_.clear();
  if (!opened_) {
    if (Status status = open(); !status) return forward(status);
    if (closed_) {
      if (Status status = end_of_table(); !status) return forward(status);
    }
  }
  while (!closed_) {
    while (at_ < end_ && is_space(window_[at_])) ++at_;
    if (ahead().size() < root_.size() + 3) {  // enough to tell "<row " from the end
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

namespace {

// The length of the row at the beginning of the text, told by the scanner; fills the attributes.
template <class Attributes>
Scan scan_row(std::string_view text, Attributes& attributes, size_t& length) {
  constexpr std::string_view kStart = "<row";
  if (!text.starts_with(kStart)) return text.size() < kStart.size() ? Scan::kMore : Scan::kBad;
  size_t at = kStart.size();
  while (true) {
    const size_t before = at;
    while (at < text.size() && is_space(text[at])) ++at;
    if (at + 2 > text.size()) return Scan::kMore;
    if (text[at] == '/') {
      length = at + 2;
      return text[at + 1] == '>' ? Scan::kDone : Scan::kBad;
    }
    std::string_view name, value;
    if (at == before || attributes.size() == kMostAttributes) return Scan::kBad;
    if (const Scan scan = scan_name(text, at, name); scan != Scan::kDone) return scan;
    if (const Scan scan = scan_value(text, at, value); scan != Scan::kDone) return scan;
    for (const auto& other : attributes) {
      if (other.name == name) return Scan::kBad;
    }
    attributes.push_back({name, value, false});
  }
}

}  // namespace

// Takes the row at the window's beginning; false where it was no good, or where the file has ended.
Result<bool> RowReader::read_row(Row& row) {
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

// Where `c` is next, counted from at_, at or after `from`, reading on as needed; npos at the file's end.
// Of more than the longest row, what lies before is dropped: position() tells.
Result<size_t> RowReader::find_ahead(char c, size_t from) {
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

// Where the next row or the table's end begins after the one here; npos where the file ends before.
Result<size_t> RowReader::find_boundary() {
  for (size_t from = 1;; ++from) {  // every boundary begins with "<"; within a good row there is none
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

// Goes to where the next row (or the table's end) begins, and asks expat about what lies before.
Status RowReader::skip_bad(Row& row, bool& taken) {
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
  Seen seen;
  const Verdict verdict = parse(text, true, seen);
  if (!verdict.problem.empty()) return count_problem(row.number, begin + verdict.at, verdict.problem);
  if (seen.element != "row") return count_problem(row.number, begin, "<" + seen.element + "> where <row> was expected");
  decoded_ = std::move(seen.attributes);
  for (size_t i = 0; i + 1 < decoded_.size(); i += 2) row.attributes_.push_back({decoded_[i], decoded_[i + 1], true});
  taken = true;
  return {};
}

}  // namespace hre::stackexchange
