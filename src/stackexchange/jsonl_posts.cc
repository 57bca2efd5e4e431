#include "stackexchange/jsonl_posts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "stackexchange/post.h"
#include "stackexchange/rows.h"

namespace hre::stackexchange {
namespace {

using JsonValue = nlohmann::json;

// What is wrong with a line; does not leave this file.
struct Bad {
  std::string message;
};

const JsonValue* field(const JsonValue& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text_field(const JsonValue& object, const char* name, bool required = false) {
  const JsonValue* value = field(object, name);
  if (value == nullptr && !required) return {};
  if (value == nullptr || !value->is_string()) throw Bad{fmt::format("field {} is not a string", name)};
  return value->get<std::string>();
}

std::optional<int64_t> whole_field(const JsonValue& object, const char* name) {
  const JsonValue* value = field(object, name);
  if (value == nullptr) return std::nullopt;
  double number = std::numeric_limits<double>::quiet_NaN();
  if (value->is_number()) {
    number = value->get<double>();
  } else if (value->is_string()) {
    const auto& text = value->get_ref<const std::string&>();
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc() || end != text.data() + text.size()) number = std::numeric_limits<double>::quiet_NaN();
  }
  if (!(std::abs(number) <= 2e9) || number != std::floor(number)) {
    throw Bad{fmt::format("field {} is not a whole number below 2,000,000,000", name)};
  }
  return static_cast<int64_t>(number);
}

// A date as dumps have it: from seconds since 1970, "2024-07-01", or that with a time in UTC.
std::string date_field(const JsonValue& object, const char* name, bool required) {
  const JsonValue* value = field(object, name);
  if (value == nullptr && !required) return {};
  constexpr double kLatest = 253'402'300'799;  // the end of the year 9999
  if (value != nullptr && value->is_number() && value->get<double>() >= 0 && value->get<double>() <= kLatest) {
    return format_date(std::llround(value->get<double>() * 1000));
  }
  if (value != nullptr && value->is_string()) {
    std::string text = value->get<std::string>();
    for (const std::string_view utc : {"Z", "+00:00"}) {
      if (text.ends_with(utc)) text.resize(text.size() - utc.size());
    }
    if (text.size() > 10 && text[10] == ' ') text[10] = 'T';
    if (const auto ms = parse_date(text)) return format_date(*ms);
  }
  throw Bad{fmt::format("field {} is not a date (2024-07-01T12:00:00Z, or seconds since 1970)", name)};
}

class RowText {
 public:
  void add(std::string_view name, std::string_view value) {
    text_ += ' ';
    text_ += name;
    text_ += "=\"";
    for (const char c : value) {
      switch (c) {
        case '&':
          text_ += "&amp;";
          break;
        case '<':
          text_ += "&lt;";
          break;
        case '>':
          text_ += "&gt;";
          break;
        case '"':
          text_ += "&quot;";
          break;
        default:
          // Line breaks would be read as spaces, and control characters are removed and counted like a dump's.
          if (static_cast<unsigned char>(c) < 0x20) {
            text_ += fmt::format("&#x{:X};", static_cast<unsigned char>(c));
          } else {
            text_ += c;
          }
      }
    }
    text_ += '"';
  }
  void add(std::string_view name, int64_t value) { add(name, fmt::to_string(value)); }
  void add_if(std::string_view name, const std::string& value) {
    if (!value.empty()) add(name, value);
  }
  [[nodiscard]] std::string row() const { return "<row" + text_ + " />\n"; }

 private:
  std::string text_;
};

void add_common(const JsonValue& post, const std::string& format, RowText& row) {
  row.add("CreationDate", date_field(post, "created", true));
  row.add_if("LastEditDate", date_field(post, "edited", false));
  row.add("Format", format);
  const std::string author = text_field(post, "author");
  row.add_if("OwnerUserId", author);
  row.add_if("OwnerDisplayName", author);
  row.add_if("Url", text_field(post, "url"));
  const std::string licence = text_field(post, "licence");
  row.add("ContentLicense", licence.empty() ? "not stated" : licence);
}

class JsonlPosts final : public ByteSource {
 public:
  explicit JsonlPosts(ByteSource& lines) : lines_(lines) {}

  Result<size_t> read(char* to, size_t n) override {
    while (at_ == rows_.size()) {
      if (done_) return size_t{0};
      rows_.clear();
      at_ = 0;
      if (Status status = next_rows(); !status) return forward(status);
    }
    const size_t got = std::min(n, rows_.size() - at_);
    std::memcpy(to, rows_.data() + at_, got);
    at_ += got;
    return got;
  }

 private:
  Status next_rows() {
    if (line_ == 0) rows_ = "<posts>\n";
    Result<std::optional<std::string>> line = next_line();
    if (!line) return forward(line);
    if (!*line) {
      rows_ += "</posts>\n";
      done_ = true;
      return {};
    }
    const uint32_t before = id_;
    try {
      if (too_long_) throw Bad{fmt::format("the line is longer than {} MiB", kLongestRow >> 20)};
      if ((*line)->find_first_not_of(" \t\r") != std::string::npos) rows_ += rows_of(**line);
    } catch (const Bad& problem) {
      id_ = before;
      RowText row;
      row.add("Problem", fmt::format("line {}: {}", line_, problem.message));
      rows_ += row.row();
    }
    return {};
  }

  // The next line without its end; nothing at the end. Of a line that is too long, only that it is.
  Result<std::optional<std::string>> next_line() {
    ++line_;
    std::string line;
    too_long_ = false;
    while (true) {
      if (used_ == size_) {
        window_.resize(size_t{1} << 20);
        Result<size_t> got = lines_.read(window_.data(), window_.size());
        if (!got) return forward(got);
        used_ = 0;
        size_ = *got;
        if (size_ == 0) return line.empty() && !too_long_ ? std::nullopt : std::optional(std::move(line));
      }
      const std::string_view rest(window_.data() + used_, size_ - used_);
      const size_t end = std::min(rest.find('\n'), rest.size());
      too_long_ = too_long_ || line.size() + end > kLongestRow / 2;  // a row has a line's texts with entities
      if (!too_long_) line += rest.substr(0, end);
      used_ += std::min(end + 1, rest.size());
      if (end < rest.size()) return std::optional(std::move(line));
    }
  }

  std::string rows_of(const std::string& line) {
    const JsonValue json = JsonValue::parse(line, nullptr, false);
    if (!json.is_object()) throw Bad{"is not a JSON object"};
    std::string format = text_field(json, "format");
    if (format.empty()) format = "text";
    if (format != "text" && format != "html") throw Bad{"field format is neither \"text\" nor \"html\""};
    const JsonValue* answers = field(json, "answers");
    if (answers == nullptr || !answers->is_array()) throw Bad{"field answers is not a list"};
    const uint32_t question = ++id_;
    std::string rows;
    int64_t accepted = 0;
    for (const JsonValue& answer : *answers) {
      if (!answer.is_object()) throw Bad{"an answer is not an object"};
      RowText row;
      row.add("Id", ++id_);
      row.add("PostTypeId", 2);
      row.add("ParentId", question);
      const auto votes = whole_field(answer, field(answer, "votes") != nullptr ? "votes" : "score");
      if (!votes) throw Bad{"an answer has neither votes nor score"};
      row.add("Score", *votes);
      row.add("Body", text_field(answer, "text", true));
      add_common(answer, format, row);
      if (const JsonValue* yes = field(answer, "accepted"); yes != nullptr && *yes == true) accepted = id_;
      rows += row.row();
    }
    RowText row;
    row.add("Id", question);
    row.add("PostTypeId", 1);
    row.add("Score", whole_field(json, field(json, "votes") != nullptr ? "votes" : "score").value_or(0));
    row.add("Body", text_field(json, "question", true));
    row.add_if("Title", text_field(json, "title"));
    if (const auto views = whole_field(json, "views")) row.add("ViewCount", *views);
    if (accepted > 0) row.add("AcceptedAnswerId", accepted);
    if (const JsonValue* tags = field(json, "tags")) {
      std::string list;
      if (!tags->is_array()) throw Bad{"field tags is not a list"};
      for (const JsonValue& tag : *tags) {
        if (!tag.is_string()) throw Bad{"a tag is not a string"};
        list += "|" + tag.get<std::string>();
      }
      row.add("Tags", list);
    }
    add_common(json, format, row);
    return row.row() + rows;
  }

  ByteSource& lines_;
  std::string window_, rows_;
  size_t used_ = 0, size_ = 0, at_ = 0;
  int64_t line_ = 0;
  uint32_t id_ = 0;
  bool too_long_ = false, done_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> posts_of_jsonl(ByteSource& lines) { return std::make_unique<JsonlPosts>(lines); }

}  // namespace hre::stackexchange
