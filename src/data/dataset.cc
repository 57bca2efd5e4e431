#include "hre/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>

#include "core/text.h"
#include "data/input.h"
#include "data/metadata.h"
#include "data/rows.h"

namespace hre {
namespace {

using data::InputFile;
using data::Row;
using data::RowReader;

// Gives a topic's questions their ids, and refuses duplicates.
class TopicIds {
 public:
  explicit TopicIds(std::string topic) : topic_(std::move(topic)) {}

  Result<std::string> next(std::optional<std::string> own) {
    const int64_t position = count_++;
    if (!own && seen_.empty()) return positional_id(topic_, position);  // ids by position cannot repeat
    for (int64_t i = 0; seen_.empty() && i < position; ++i) seen_.insert(positional_id(topic_, i));
    std::string id = own ? *std::move(own) : positional_id(topic_, position);
    if (!seen_.insert(id).second)
      return input_error(fmt::format("the id \"{}\" appears twice in topic {}", id, topic_));
    return id;
  }

 private:
  std::string topic_;
  int64_t count_ = 0;
  std::unordered_set<std::string> seen_;  // filled from the first id on that differs from its position's
};

// Makes questions of rows: gives them topics and ids.
class RowQuestions {
 public:
  // The next row's question. `topic` is for rows that name none; `where` names the row.
  Result<Question> next(Row row, const std::string& topic, const std::string& where) {
    constexpr size_t kLongestTopic = 200;  // file names are made from it
    Question question{.id = {},
                      .topic = row.topic ? topic_of_split(*row.topic) : topic,
                      .text = std::move(row.text),
                      .answers = std::move(row.answers)};
    if (question.topic.empty() || question.topic.size() > kLongestTopic) {
      return input_error("the topic's name is empty or too long", where + ", column topic", "use a short word");
    }
    if (question.answers.size() < 2) {
      return input_error(question.answers.empty() ? "no answers" : "only one answer", where + ", column answers",
                         "a question needs at least two answers");
    }
    Result<std::string> id = ids_.try_emplace(question.topic, question.topic).first->second.next(std::move(row.id));
    if (!id) return input_error(id.error().message, where + ", column id", "ids must differ within a topic");
    question.id = *std::move(id);
    ++count_;
    return question;
  }

  [[nodiscard]] int64_t count() const { return count_; }

 private:
  std::map<std::string, TopicIds> ids_;
  int64_t count_ = 0;
};

class FilesReader final : public DatasetReader {
 public:
  explicit FilesReader(std::vector<InputFile> files) : files_(std::move(files)) {
    for (const InputFile& file : files_) bytes_ += static_cast<double>(file.bytes);
  }

  Result<std::optional<Question>> next() override {
    for (;;) {
      if (!rows_) {
        if (file_ == files_.size()) return end();
        Result<std::unique_ptr<RowReader>> opened = data::open_rows(files_[file_]);
        if (!opened) return forward(opened);
        rows_ = *std::move(opened);
      }
      Result<std::optional<Row>> row = rows_->next();
      if (!row) return forward(row);
      if (*row) {
        Result<Question> question = questions_.next(**std::move(row), files_[file_].topic, rows_->where());
        if (!question) return forward(question);
        return *std::move(question);
      }
      rows_.reset();
      bytes_done_ += static_cast<double>(files_[file_++].bytes);
    }
  }

  [[nodiscard]] double progress() const override {
    if (bytes_ <= 0 || file_ == files_.size()) return 1;
    const double here = rows_ ? rows_->progress() * static_cast<double>(files_[file_].bytes) : 0;
    return std::min(1.0, (bytes_done_ + here) / bytes_);
  }

 private:
  Result<std::optional<Question>> end() const {
    if (questions_.count() > 0) return std::nullopt;
    return input_error("no questions found", files_.front().path,
                       "check that the dataset was saved or copied completely");
  }

  std::vector<InputFile> files_;
  size_t file_ = 0;
  std::unique_ptr<RowReader> rows_;  // of files_[file_], once opened
  RowQuestions questions_;
  double bytes_ = 0, bytes_done_ = 0;
};

// A file may mix topics. Questions keep their order within a topic; topics are ordered by their first question.
void group_by_topic(std::vector<Question>& questions) {
  std::map<std::string, size_t> rank;
  for (const Question& question : questions) rank.try_emplace(question.topic, rank.size());
  const auto before = [&](const Question& a, const Question& b) { return rank.at(a.topic) < rank.at(b.topic); };
  if (!std::is_sorted(questions.begin(), questions.end(), before)) {
    std::stable_sort(questions.begin(), questions.end(), before);
  }
}

// All of its questions are there, in the order in which they were read.
void finish(Dataset& dataset) {
  DatasetFingerprint fingerprint;
  for (const Question& question : dataset.questions) fingerprint.add(question);
  dataset.fingerprint = fingerprint.value();
  group_by_topic(dataset.questions);
}

}  // namespace

Result<std::unique_ptr<DatasetReader>> open_dataset(const std::string& source) {
  Result<std::vector<InputFile>> files = data::find_inputs(source);
  if (!files) return forward(files);
  return std::make_unique<FilesReader>(*std::move(files));
}

Result<Dataset> load_dataset(const std::string& source) {
  Result<std::unique_ptr<DatasetReader>> reader = open_dataset(source);
  if (!reader) return forward(reader);
  Dataset dataset{.name = dataset_name(source), .source = source, .fingerprint = {}, .questions = {}};
  for (;;) {
    Result<std::optional<Question>> question = (*reader)->next();
    if (!question) return forward(question);
    if (!*question) break;
    dataset.questions.push_back(**std::move(question));
  }
  finish(dataset);
  data::add_dates(source, dataset.questions);
  return dataset;
}

Result<Dataset> data::dataset_of_rows(std::vector<TopicRows> parts, const std::string& name) {
  Dataset dataset{.name = name, .source = name, .fingerprint = {}, .questions = {}};
  RowQuestions questions;
  for (const TopicRows& part : parts) {
    for (;;) {
      Result<std::optional<Row>> row = part.rows->next();
      if (!row) return forward(row);
      if (!*row) break;
      Result<Question> question = questions.next(**std::move(row), part.topic, part.rows->where());
      if (!question) return forward(question);
      dataset.questions.push_back(*std::move(question));
    }
  }
  if (dataset.questions.empty()) return input_error("no questions found", name);
  finish(dataset);
  return dataset;
}

}  // namespace hre
