#include "data/convert.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <set>

#include "core/open_files.h"
#include "data/output.h"
#include "data/selection.h"
#include "data/writer.h"

namespace hre::data {
namespace {

using TakeQuestion = std::function<Status(const Question&)>;

Status read_all(DatasetReader& reader, const TakeQuestion& take, ProgressListener& progress,
                const std::stop_token& stop) {
  for (int64_t done = 1;; ++done) {
    if (stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted: nothing was written");
    Result<std::optional<Question>> question = reader.next();
    if (!question) return forward(question);
    if (!*question) return {};
    if (Status taken = take(**question); !taken) return taken;
    progress.advance(done, reader.progress());
  }
}

// Reads a dataset from its beginning to its end.
Status for_each_question(const std::string& source, const std::string& stage, const TakeQuestion& take,
                         ProgressListener& progress, const std::stop_token& stop) {
  Result<std::unique_ptr<DatasetReader>> reader = open_dataset(source);
  if (!reader) return forward(reader);
  progress.begin(stage, 0, "questions", 1);
  Status status = read_all(**reader, take, progress, stop);
  progress.end();
  return status;
}

// Facts that must be known before the first question is written.
struct TopicSurvey {
  int64_t questions = 0;
  bool own_ids = false;
};

struct Survey {
  std::vector<std::string> names;  // in the order of first appearance
  std::map<std::string, TopicSurvey> topics;

  void add(const Question& question) {
    const auto [at, is_new] = topics.try_emplace(question.topic);
    if (is_new) names.push_back(question.topic);
    TopicSurvey& topic = at->second;
    topic.own_ids = topic.own_ids || question.id != positional_id(question.topic, topic.questions);
    ++topic.questions;
  }
};

// How many topics may be written at the same time: in a folder each is an open file, and one of Parquet keeps some MiB.
size_t most_open_topics(OutputFormat format) {
  constexpr size_t kMost = 256;
  if (format == OutputFormat::kJsonlFile) return std::numeric_limits<size_t>::max();
  return std::clamp<size_t>(allow_many_files() / 2, 1, kMost);
}

// Writes the topics' questions. A topic's file is complete with its last question, so of a source that has its topics
// one after the other, one file is open. Where more topics are mixed than may be open, the others wait for another
// reading.
class TopicsWriter {
 public:
  TopicsWriter(DatasetWriter& writer, const Survey& survey, const std::vector<std::string>& topics, size_t most_open)
      : writer_(writer), most_open_(most_open) {
    for (const std::string& topic : topics) left_[topic] = survey.topics.at(topic).questions;
  }

  [[nodiscard]] bool done() const { return left_.empty(); }

  // Takes the questions of one reading of the source, in its order.
  Status read(const std::function<Status(const TakeQuestion&)>& each_question) {
    const size_t before = left_.size();
    open_.clear();
    waiting_.clear();
    const auto take = [this](const Question& question) { return add(question); };
    if (Status status = each_question(take); !status) return status;
    if (open_.empty() && left_.size() < before) return {};
    return fail(ErrorCode::kFailed, "the dataset changed while hre was reading it", "", "run the command again");
  }

  [[nodiscard]] int64_t questions() const { return questions_; }
  [[nodiscard]] std::string fingerprint() const { return fingerprint_.value(); }

 private:
  Status add(const Question& question) {
    const std::string& topic = question.topic;
    const auto left = left_.find(topic);
    if (left == left_.end() || waiting_.contains(topic)) return {};
    if (!open_.contains(topic)) {
      if (open_.size() == most_open_) {
        waiting_.insert(topic);
        return {};
      }
      open_.insert(topic);
    }
    fingerprint_.add(question);
    ++questions_;
    if (Status added = writer_.add(question); !added) return added;
    if (--left->second > 0) return {};
    left_.erase(left);
    open_.erase(topic);
    return writer_.end_topic(topic);
  }

  DatasetWriter& writer_;
  size_t most_open_;
  std::map<std::string, int64_t> left_;   // how many questions of a topic are not written yet
  std::set<std::string> open_, waiting_;  // topics of this reading
  DatasetFingerprint fingerprint_;
  int64_t questions_ = 0;
};

Result<std::unique_ptr<DatasetWriter>> create_writer(OutputFormat format, const std::string& path, Ids ids) {
  if (format == OutputFormat::kJsonlFile) return create_jsonl_file(path);
  if (format == OutputFormat::kJsonlFolder) return create_jsonl_folder(path);
  std::error_code problem;
  const std::string folder = path + "/data";
  if (!std::filesystem::create_directory(folder, problem)) return fail(ErrorCode::kFailed, problem.message(), folder);
  return create_published(folder, ids);
}

Status check_read_back(const std::string& path, const std::string& fingerprint, ProgressListener& progress,
                       const std::stop_token& stop) {
  DatasetFingerprint read;
  const auto take = [&](const Question& question) -> Status {
    read.add(question);
    return {};
  };
  if (Status done = for_each_question(path, "checking", take, progress, stop); !done) {
    if (done.error().code != ErrorCode::kInterrupted) done.error().code = ErrorCode::kFailed;
    return done;
  }
  if (read.value() == fingerprint) return {};
  return fail(ErrorCode::kFailed, "the written dataset reads back differently and was removed", path,
              "this is a bug in hre or a fault of the disk");
}

}  // namespace

Result<Converted> convert_dataset(const std::string& source, const std::string& out, const ConvertOptions& options,
                                  ProgressListener& progress, const std::stop_token& stop) {
  const OutputKind kind = options.format == OutputFormat::kJsonlFile ? OutputKind::kFile : OutputKind::kFolder;
  Result<Output> output = Output::create(out, kind, options.replace);
  if (!output) return forward(output);

  Survey survey;
  const auto look = [&](const Question& question) -> Status {
    survey.add(question);
    return {};
  };
  if (Status read = for_each_question(source, "reading", look, progress, stop); !read) return forward(read);
  Result<std::vector<std::string>> topics = select_topics(survey.names, options.topics);
  if (!topics) return forward(topics);

  bool own_ids = false;
  for (const std::string& topic : *topics) own_ids = own_ids || survey.topics.at(topic).own_ids;
  Result<std::unique_ptr<DatasetWriter>> writer =
      create_writer(options.format, output->work_path(), own_ids ? Ids::kOwn : Ids::kPositional);
  if (!writer) return forward(writer);
  TopicsWriter topics_writer(**writer, survey, *topics, most_open_topics(options.format));
  const auto each_question = [&](const TakeQuestion& take) {
    return for_each_question(source, "writing", take, progress, stop);
  };
  while (!topics_writer.done()) {
    if (Status written = topics_writer.read(each_question); !written) return forward(written);
  }
  if (Status finished = (*writer)->finish(); !finished) return forward(finished);
  Converted converted{
      .topics = *topics, .questions = topics_writer.questions(), .fingerprint = topics_writer.fingerprint()};
  if (Status equal = check_read_back(output->work_path(), converted.fingerprint, progress, stop); !equal) {
    return forward(equal);
  }
  if (Status committed = output->commit(); !committed) return forward(committed);
  return converted;
}

}  // namespace hre::data
