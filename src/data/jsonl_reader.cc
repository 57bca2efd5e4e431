#include "data/jsonl_reader.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/text.h"

namespace hre::data {
namespace {

using nlohmann::json;

constexpr const char* kLineShape =
    R"(a line is {"question": "...", "answers": [{"text": "...", "votes": 3}, ...]}, with "topic" and "id" if wanted)";

struct Problem {
  std::string place;  // "answer 2, field votes", or empty
  std::string message;
};

// Builds a row from a line's JSON events. Values that the row does not need are skipped, at any depth.
class RowParser : public nlohmann::json_sax<json> {
 public:
  [[nodiscard]] Row take_row() { return std::move(row_); }
  [[nodiscard]] const Problem& problem() const { return problem_; }

  bool null() override {
    if (skipping() || (level_ == Level::kRow && (key_ == "id" || key_ == "topic"))) return true;
    const bool is_text = (level_ == Level::kAnswer || level_ == Level::kColumn) && key_ == "text";
    return is_text ? reject("an answer without text (null)") : unexpected("null");
  }
  bool boolean(bool) override { return skipping() || unexpected("a boolean"); }
  bool number_integer(number_integer_t value) override {
    return number(static_cast<double>(value), fmt::to_string(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return number(static_cast<double>(value), fmt::to_string(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return number(value, {}); }
  bool binary(binary_t&) override { return unexpected("binary"); }

  bool string(string_t& text) override {
    if (skipping()) return true;
    if (level_ == Level::kAnswer && key_ == "text") return keep(row_.answers.back().text, text);
    if (level_ == Level::kAnswer && key_ == "votes") return vote_text(text);
    if (level_ == Level::kColumn && key_ == "text") return keep(texts_.emplace_back(), text);
    if (level_ == Level::kColumn && key_ == "votes") return vote_text(text);
    if (level_ == Level::kRow && key_ == "question") return keep(row_.text, text);
    if (level_ == Level::kRow && key_ == "topic") return keep(row_.topic.emplace(), text);
    if (level_ == Level::kRow && key_ == "id") {
      return text.empty() ? reject("the id is empty") : keep(row_.id.emplace(), text);
    }
    return unexpected("a string");
  }

  bool key(string_t& name) override {
    if (skipped_depth_ > 0) return true;
    key_ = std::move(name);
    bool* seen = level_ == Level::kAnswer || level_ == Level::kColumns ? answer_field(key_) : row_field(key_);
    skip_value_ = seen == nullptr;
    return skip_value_ || !std::exchange(*seen, true) || reject("the field appears twice");
  }

  bool start_object(std::size_t) override {
    if (skip_deeper()) return true;
    if (level_ == Level::kLine) return enter(Level::kRow);
    const bool columns = level_ == Level::kRow && key_ == "answers";
    if (level_ != Level::kAnswers && !columns) return unexpected("an object");
    has_text_ = has_votes_ = false;
    if (columns) return enter(Level::kColumns);
    row_.answers.emplace_back();
    return enter(Level::kAnswer);
  }

  bool end_object() override {
    if (skip_shallower()) return true;
    if (level_ == Level::kAnswer) {
      key_.clear();
      if (!has_text_) return reject("an answer without text");
      if (!has_votes_) return reject("an answer without votes");
      return enter(Level::kAnswers);
    }
    if (level_ == Level::kColumns) return take_columns();
    key_.clear();
    if (!has_question_) return reject("no field \"question\"");
    return has_answers_ || reject("no field \"answers\"");
  }

  bool start_array(std::size_t) override {
    if (skip_deeper()) return true;
    if (level_ == Level::kColumns) return enter(Level::kColumn);
    return level_ == Level::kRow && key_ == "answers" ? enter(Level::kAnswers) : unexpected("a list");
  }

  bool end_array() override {
    return skip_shallower() || enter(level_ == Level::kColumn ? Level::kColumns : Level::kRow);
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error ... - what it was": keep the last
    // part.
    std::string what = error.what();
    if (const size_t at = what.find("parse error at"); at != std::string::npos) {
      if (const size_t colon = what.find(": ", at); colon != std::string::npos) what.erase(0, colon + 2);
    } else if (const size_t bracket = what.find("] "); bracket != std::string::npos) {
      what.erase(0, bracket + 2);
    }
    constexpr size_t kLongestQuote = 160;
    if (what.size() > kLongestQuote) what = std::string(first_code_points(what, kLongestQuote)) + "...";
    problem_ = {fmt::format("byte {}", position), "this is not JSON: " + what};
    return false;
  }

 private:
  // Answers are a list of objects, or an object of two lists (columns), as `datasets` writes a Sequence({...}).
  enum class Level { kLine, kRow, kAnswers, kAnswer, kColumns, kColumn };

  bool* row_field(std::string_view name) {
    if (name == "question") return &has_question_;
    if (name == "answers") return &has_answers_;
    if (name == "topic") return &has_topic_;
    return name == "id" ? &has_id_ : nullptr;
  }
  bool* answer_field(std::string_view name) {
    if (name == "text") return &has_text_;
    return name == "votes" ? &has_votes_ : nullptr;
  }

  [[nodiscard]] bool skipping() const { return skip_value_ || skipped_depth_ > 0; }
  bool skip_deeper() {
    if (!skipping()) return false;
    ++skipped_depth_;
    return true;
  }
  bool skip_shallower() {
    if (skipped_depth_ == 0) return false;
    --skipped_depth_;
    return true;
  }

  bool enter(Level level) {
    level_ = level;
    skip_value_ = false;
    return true;
  }

  static bool keep(std::string& field, string_t& text) {
    field = std::move(text);
    return true;
  }

  bool number(double value, const std::string& digits) {
    if (skipping()) return true;
    if (level_ == Level::kRow && key_ == "id" && !digits.empty()) {
      row_.id = digits;
      return true;
    }
    if (level_ == Level::kColumn && key_ == "votes") {
      votes_.push_back(value + 0.0);
      return true;
    }
    if (level_ != Level::kAnswer || key_ != "votes") return unexpected("a number");
    row_.answers.back().votes = value + 0.0;  // no negative zero
    return true;
  }

  bool take_columns() {
    key_ = "answers";
    level_ = Level::kRow;
    if (!has_text_ || !has_votes_) return reject(has_text_ ? "answers without votes" : "answers without text");
    if (texts_.size() != votes_.size()) {
      return reject(fmt::format("{} texts and {} votes", texts_.size(), votes_.size()));
    }
    for (size_t i = 0; i < texts_.size(); ++i) {
      row_.answers.push_back({.text = std::move(texts_[i]), .votes = votes_[i]});
    }
    return true;
  }

  bool vote_text(const std::string& text) {
    const std::optional<double> value = parse_finite_number(text);
    if (!value) return reject(fmt::format("\"{}\" is not a number", first_code_points(text, 40)));
    return number(*value, {});
  }

  bool unexpected(const char* found) {
    const char* wanted = level_ == Level::kLine      ? "an object"
                         : level_ == Level::kAnswers ? "an object with text and votes"
                         : key_ == "answers"         ? "a list"
                         : level_ == Level::kColumns ? "a list"
                         : key_ == "votes"           ? "a number or a string that holds a number"
                                                     : "a string";
    return reject(fmt::format("{} where {} is expected", found, wanted));
  }

  bool reject(std::string message) {
    problem_ = {place(), std::move(message)};
    return false;
  }

  [[nodiscard]] std::string place() const {
    const size_t n = row_.answers.size();
    if (level_ == Level::kAnswers) return fmt::format("answer {}", n + 1);
    if (level_ == Level::kColumn) return fmt::format("field answers.{}", key_);
    std::string place = level_ == Level::kAnswer ? fmt::format("answer {}", n) : "";
    if (level_ == Level::kLine || key_.empty()) return place;
    return place + (place.empty() ? "field " : ", field ") + key_;
  }

  Row row_;
  Problem problem_;
  Level level_ = Level::kLine;
  std::string key_;
  bool skip_value_ = false;   // the value of the current key is not needed
  size_t skipped_depth_ = 0;  // nesting depth inside such a value
  bool has_question_ = false, has_answers_ = false, has_topic_ = false, has_id_ = false;
  bool has_text_ = false, has_votes_ = false;
  std::vector<std::string> texts_;  // of answers stored as columns
  std::vector<double> votes_;
};

using File = std::unique_ptr<FILE, int (*)(FILE*)>;

class JsonlReader final : public RowReader {
 public:
  JsonlReader(File file, std::string name, uint64_t size, size_t longest_line)
      : file_(std::move(file)), name_(std::move(name)), size_(size), longest_line_(longest_line), buffer_(1 << 16) {}

  Result<std::optional<Row>> next() override {
    try {
      return next_row();
    } catch (const std::exception& problem) {  // above all, lack of memory
      return fail(ErrorCode::kFailed, std::string("the line could not be read: ") + problem.what(), where());
    }
  }

  [[nodiscard]] std::string where() const override { return fmt::format("{}, line {}", name_, line_number_); }
  [[nodiscard]] double progress() const override {
    return size_ == 0 ? 1 : std::min(1.0, static_cast<double>(consumed_) / static_cast<double>(size_));
  }

 private:
  Result<std::optional<Row>> next_row() {
    do {
      Result<bool> more = read_line();
      if (!more) return forward(more);
      if (!*more) return std::nullopt;
    } while (line_.find_first_not_of(" \t\r") == std::string::npos);
    RowParser parser;
    if (json::sax_parse(line_, &parser)) return parser.take_row();
    const Problem& problem = parser.problem();
    return input_error(problem.message, problem.place.empty() ? where() : where() + ", " + problem.place, kLineShape);
  }

  // Reads the next line into line_, without its line break; false at the end of the file.
  Result<bool> read_line() {
    line_.clear();
    ++line_number_;
    for (;;) {
      if (begin_ == end_ && !fill()) {
        if (std::ferror(file_.get())) {
          return fail(ErrorCode::kFailed, fmt::format("reading failed: {}", std::strerror(errno)), where());
        }
        return !line_.empty();
      }
      const char* start = buffer_.data() + begin_;
      const char* newline = static_cast<const char*>(std::memchr(start, '\n', end_ - begin_));
      const size_t n = newline ? newline - start : end_ - begin_;
      if (line_.size() + n > longest_line_) return too_long();
      line_.append(start, n);
      begin_ += newline ? n + 1 : n;
      consumed_ += newline ? n + 1 : n;
      if (newline) return true;
    }
  }

  bool fill() {
    begin_ = 0;
    end_ = std::fread(buffer_.data(), 1, buffer_.size(), file_.get());
    return end_ > 0;
  }

  [[nodiscard]] tl::unexpected<Error> too_long() const {
    const std::string limit =
        longest_line_ >> 20 ? fmt::format("{} MiB", longest_line_ >> 20) : fmt::format("{} bytes", longest_line_);
    return input_error(fmt::format("the line is longer than {}", limit), where(),
                       "a JSON Lines file has one question per line");
  }

  File file_;
  std::string name_;
  uint64_t size_;
  size_t longest_line_;
  std::vector<char> buffer_;
  size_t begin_ = 0, end_ = 0;  // the part of the buffer that has not been read yet
  uint64_t consumed_ = 0;
  int64_t line_number_ = 0;
  std::string line_;
};

}  // namespace

Result<std::unique_ptr<RowReader>> open_jsonl(const std::string& path) {
  File file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file)
    return input_error(fmt::format("cannot be opened: {}", std::strerror(errno)), path, "check its permissions");
  std::error_code ignored;
  const uint64_t size = std::filesystem::file_size(path, ignored);
  return std::make_unique<JsonlReader>(std::move(file), path, size, kLongestLine);
}

Result<std::unique_ptr<RowReader>> read_jsonl(std::string_view bytes, const std::string& name, size_t longest_line) {
  // With mode "rb", fmemopen does not write to the memory.
  File file(fmemopen(const_cast<char*>(bytes.empty() ? "\n" : bytes.data()), std::max<size_t>(1, bytes.size()), "rb"),
            &std::fclose);
  if (!file) return fail(ErrorCode::kFailed, fmt::format("cannot be opened: {}", std::strerror(errno)), name);
  return std::make_unique<JsonlReader>(std::move(file), name, bytes.size(), longest_line);
}

}  // namespace hre::data
