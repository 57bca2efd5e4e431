#include "stackexchange/jsonl_posts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "stackexchange/post.h"

namespace hre::stackexchange {
namespace {

using Json = nlohmann::json;

// The names of a field: hre's own, and those of exports of Lemmy, Discourse and Reddit. "a.b" is b within a. The first
// that a line has counts.
using Names = std::initializer_list<const char*>;
constexpr Names kId = {"id", "post.id"};
constexpr Names kParent = {"parent", "parent_id", "comment.post_id", "post_id"};
constexpr Names kQuestion = {"question", "text", "selftext", "cooked", "raw", "body", "post.body"};
constexpr Names kText = {"text", "cooked", "raw", "body", "comment.content", "content"};
constexpr Names kTitle = {"title", "post.name"};
constexpr Names kVotes = {"votes", "like_count", "score", "counts.score"};
constexpr Names kCreated = {"created_utc", "created", "created_at", "comment.published", "post.published", "published"};
constexpr Names kEdited = {"edited", "last_version_at", "comment.updated", "post.updated", "updated"};
constexpr Names kAuthor = {"author", "username", "creator.name", "user_id"};
constexpr Names kUrl = {"permalink", "comment.ap_id", "post.ap_id", "url"};
constexpr Names kWasAccepted = {"accepted", "accepted_answer"};
constexpr Names kDeleted = {"deleted", "removed", "comment.deleted", "comment.removed", "post.deleted", "post.removed"};

// What is wrong with a line; does not leave this file.
struct Bad {
  std::string message;
};

struct Field {
  std::string name;
  const Json* value = nullptr;  // null if no name is there
  explicit operator bool() const { return value != nullptr; }
};

const Json* child(const Json* object, const std::string& name) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto found = object->find(name);
  return found == object->end() || found->is_null() ? nullptr : &*found;
}

Field find(const Json& line, Names names) {
  for (const std::string name : names) {
    const size_t dot = name.find('.');
    const Json* value =
        dot == std::string::npos ? child(&line, name) : child(child(&line, name.substr(0, dot)), name.substr(dot + 1));
    if (value != nullptr) return {name, value};
  }
  return {*names.begin(), nullptr};
}

std::string text_of(const Field& field, bool required = false) {
  if (!field && !required) return {};
  if (!field || !field.value->is_string()) throw Bad{fmt::format("field {} is not a string", field.name)};
  return field.value->get<std::string>();
}

// A number, or a string that is one; NaN for anything else.
double number_of(const Json& value) {
  double number = std::numeric_limits<double>::quiet_NaN();
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return number;
  const auto& text = value.get_ref<const std::string&>();
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = problem == std::errc() && end == text.data() + text.size();
  return whole ? number : std::numeric_limits<double>::quiet_NaN();
}

std::optional<int64_t> whole_of(const Field& field) {
  if (!field) return std::nullopt;
  const double number = number_of(*field.value);
  if (!(std::abs(number) <= 2e9) || number != std::floor(number)) {
    throw Bad{fmt::format("field {} is not a whole number below 2,000,000,000", field.name)};
  }
  return static_cast<int64_t>(number);
}

bool is_true(const Json& line, Names names) {
  return std::ranges::any_of(names, [&](const char* name) {
    const Field field = find(line, {name});
    return field && *field.value == true;
  });
}

// An id, which may be a number or a text; of a Reddit submission without its "t3_".
std::string key_of(const Field& field) {
  if (!field) return {};
  if (field.value->is_number_integer()) return field.value->dump();
  std::string key = text_of(field);
  return key.starts_with("t3_") ? key.substr(3) : key;
}

// A date as dumps have it; empty if there is none. "edited": false says that there is none, too.
std::string date_of(const Field& field, bool required) {
  if (!required && (!field || *field.value == false)) return {};
  if (field) {
    const auto ms = field.value->is_string() ? parse_date(field.value->get_ref<const std::string&>()) : std::nullopt;
    if (ms) return format_date(*ms);
    // The end of the year 9999; and 1973, so that digits that mean a year or a day are no seconds.
    constexpr double kLatest = 253'402'300'799, kEarliestText = 100'000'000;
    const double seconds = number_of(*field.value);
    if (seconds >= (field.value->is_string() ? kEarliestText : 0) && seconds <= kLatest) {
      return format_date(std::llround(seconds * 1000));
    }
  }
  throw Bad{fmt::format("field {} is not a date (2024-07-01T12:00:00Z, or seconds since 1970)", field.name)};
}

}  // namespace

/// Turns one line into rows.
class LineReader {
 public:
  using PostRow = JsonlReader::PostRow;
  LineReader(JsonlReader& reader, const Json& line) : reader_(reader), line_(line) {}

  /// Whether text was changed: control characters, which no dump has either, are left out.
  [[nodiscard]] bool cleaned() const { return cleaned_; }

  std::vector<PostRow> read() {
    if (!line_.is_object()) throw Bad{"is not a JSON object"};
    const Field answers = find(line_, {"answers"});
    if (!answers) return {post()};
    if (!answers.value->is_array()) throw Bad{"field answers is not a list"};
    std::vector<PostRow> rows = {question(line_)};
    for (const Json& answer : *answers.value) {
      if (!answer.is_object()) throw Bad{"an answer is not an object"};
      rows.push_back(this->answer(answer));
    }
    const std::string number = std::to_string(++reader_.last_id_);  // nothing can go wrong from here on
    rows.front().emplace_back("Id", number);
    for (size_t i = 1; i < rows.size(); ++i) {
      rows[i].emplace_back("Id", std::to_string(++reader_.last_id_));
      rows[i].emplace_back("ParentId", number);
    }
    return rows;
  }

 private:
  // A line that is one post: a question where it names no parent, an answer where it names a question. Replies to
  // answers and deleted posts are neither.
  PostRow post() {
    std::optional<std::string> parent;
    std::string id = key_of(find(line_, kId));
    if (const auto place = whole_of(find(line_, {"post_number"}))) {  // Discourse: the first post of a topic
      id = key_of(find(line_, {"topic_id"}));
      if (id.empty()) throw Bad{"field topic_id is missing"};
      const bool is_reply = whole_of(find(line_, {"reply_to_post_number"})).value_or(1) > 1;
      if (*place > 1) parent = is_reply ? "" : id;
    } else if (const Field named = find(line_, kParent)) {
      const std::string path = text_of(find(line_, {"comment.path"}));  // Lemmy: 0.7.9 replies to 0.7
      parent = std::ranges::count(path, '.') > 1 ? "" : key_of(named);
      if (parent->starts_with("t1_")) parent = "";  // Reddit: the parent is a comment
    }
    const std::string text = text_of(find(line_, parent ? kText : kQuestion));
    const bool deleted = is_true(line_, kDeleted) || text == "[deleted]" || text == "[removed]";
    if (deleted || parent == "") return {{"Id", std::to_string(++reader_.last_id_)}, {"PostTypeId", "0"}};
    if (!parent && id.empty()) throw Bad{"has no answers, and neither an id nor a parent"};
    PostRow row = parent ? answer(line_) : question(line_);
    const auto number = [&](const std::string& key) {
      const auto [found, is_new] = reader_.known_.try_emplace(key, reader_.last_id_ + 1);
      if (is_new) ++reader_.last_id_;
      return std::to_string(found->second);
    };
    row.emplace_back(parent ? "ParentId" : "Id", number(parent ? *parent : id));
    if (parent) row.emplace_back("Id", std::to_string(++reader_.last_id_));
    return row;
  }

  PostRow question(const Json& line) {
    const Field text = find(line, kQuestion);
    const std::string title = text_of(find(line, kTitle));
    PostRow row = {{"PostTypeId", "1"}};
    row.emplace_back("Score", std::to_string(whole_of(find(line, kVotes)).value_or(0)));
    add(row, "Body", text_of(text, title.empty()));
    if (!title.empty()) add(row, "Title", title);
    if (const auto views = whole_of(find(line, {"views"}))) row.emplace_back("ViewCount", std::to_string(*views));
    if (const Field tags = find(line, {"tags"})) {
      std::string list;
      if (!tags.value->is_array()) throw Bad{"field tags is not a list"};
      for (const Json& tag : *tags.value) {
        if (!tag.is_string()) throw Bad{"a tag is not a string"};
        list += "|" + tag.get<std::string>();
      }
      add(row, "Tags", list);
    }
    add_common(row, line, text);
    return row;
  }

  PostRow answer(const Json& line) {
    const Field text = find(line, kText);
    const auto votes = whole_of(find(line, kVotes));
    if (!votes) throw Bad{"an answer has neither votes nor score"};
    PostRow row = {{"PostTypeId", "2"}};
    row.emplace_back("Score", std::to_string(*votes));
    add(row, "Body", text_of(text, true));
    if (is_true(line, kWasAccepted)) row.emplace_back("Accepted", "1");
    add_common(row, line, text);
    return row;
  }

  void add_common(PostRow& row, const Json& line, const Field& text) {
    row.emplace_back("CreationDate", date_of(find(line, kCreated), true));
    if (const std::string edited = date_of(find(line, kEdited), false); !edited.empty())
      row.emplace_back("LastEditDate", edited);
    // A question's format holds for its answers, too.
    std::string format = text_of(find(line_, {"format"}));
    if (format.empty()) format = text.name == "cooked" ? "html" : "text";
    if (format != "text" && format != "html") throw Bad{"field format is neither \"text\" nor \"html\""};
    row.emplace_back("Format", format);
    const Field named = find(line, kAuthor);
    const std::string author = named && named.value->is_number_integer() ? named.value->dump() : text_of(named);
    if (!author.empty() && author != "[deleted]") {
      add(row, "OwnerUserId", author);
      add(row, "OwnerDisplayName", author);
    }
    if (const std::string url = text_of(find(line, kUrl)); !url.empty()) add(row, "Url", url);
    const std::string licence = text_of(find(line, {"licence"}));
    add(row, "ContentLicense", licence.empty() ? "not stated" : licence);
  }

  void add(PostRow& row, const char* name, std::string value) {
    const auto is_control = [](char c) {
      return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' && c != '\r';
    };
    cleaned_ = std::erase_if(value, is_control) > 0 || cleaned_;
    row.emplace_back(name, std::move(value));
  }

  JsonlReader& reader_;
  const Json& line_;
  bool cleaned_ = false;
};

std::string JsonlReader::where(int64_t number, int64_t) const { return fmt::format("{}: line {}", place_, number); }

Result<bool> JsonlReader::next(TableRow& row) {
  row.attributes_.clear();
  while (waiting_.empty()) {
    Result<bool> more = next_line();
    if (!more || !*more) return more;
    if (!too_long_ && line_.find_first_not_of(" \t\r") == std::string::npos) continue;
    ++number_;
    if (Status status = read_line(); !status) return forward(status);
  }
  current_ = std::move(waiting_.front());
  waiting_.pop_front();
  row.number = line_number_;
  row.offset = offset_;
  for (const auto& [name, value] : current_) row.attributes_.push_back({name, value, true});
  return true;
}

Status JsonlReader::read_line() {
  try {
    if (too_long_) throw Bad{fmt::format("the line is longer than {} MiB", kLongestRow >> 20)};
    const Json json = Json::parse(line_, nullptr, false);
    LineReader reader(*this, json);
    std::vector<PostRow> rows = reader.read();
    if (reader.cleaned() && options_.strict) throw Bad{"has control characters"};
    cleaned_ += reader.cleaned() ? 1 : 0;
    waiting_.assign(std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
    return {};
  } catch (const Bad& problem) {
    return count_problem(line_number_, offset_, problem.message);
  }
}

// Reads the next line without its end; false at the file's end. Of a line that is too long, only that it is.
Result<bool> JsonlReader::next_line() {
  ++line_number_;
  line_.clear();
  too_long_ = false;
  offset_ = end_;
  while (true) {
    if (used_ == size_) {
      window_.resize(size_t{1} << 20);
      Result<size_t> got = bytes_.read(window_.data(), window_.size());
      if (!got) return forward(got);
      used_ = 0;
      size_ = *got;
      if (size_ == 0) return end_ > offset_;
    }
    const std::string_view rest(window_.data() + used_, size_ - used_);
    const size_t length = std::min(rest.find('\n'), rest.size());
    too_long_ = too_long_ || line_.size() + length > kLongestRow;
    if (!too_long_) line_ += rest.substr(0, length);
    const size_t taken = std::min(length + 1, rest.size());
    used_ += taken;
    end_ += static_cast<int64_t>(taken);
    if (length < rest.size()) return true;
  }
}

}  // namespace hre::stackexchange
