#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "core/question_name.h"
#include "data/writer.h"

namespace hre::data {
namespace {

using nlohmann::ordered_json;
using File = std::unique_ptr<FILE, int (*)(FILE*)>;

tl::unexpected<Error> cannot_write(const std::string& path) {
  return fail(ErrorCode::kFailed, fmt::format("cannot be written: {}", std::strerror(errno)), path);
}

// Writes whole numbers without a point, as people write votes.
ordered_json votes_json(double votes) {
  constexpr double kExact = 9007199254740992;  // 2^53
  if (std::floor(votes) == votes && std::abs(votes) < kExact) return static_cast<int64_t>(votes);
  return votes;
}

std::string line_of(const Question& question, bool id_is_positional) {
  ordered_json line;
  line["topic"] = question.topic;
  if (!id_is_positional) line["id"] = question.id;
  line["question"] = question.text;
  line["answers"] = ordered_json::array();
  for (const Answer& answer : question.answers) {
    line["answers"].push_back({{"text", answer.text}, {"votes", votes_json(answer.votes)}});
  }
  return line.dump() + "\n";
}

class JsonlWriter final : public DatasetWriter {
 public:
  // A folder gets one file per topic; a file gets all topics.
  JsonlWriter(std::string path, bool is_folder) : path_(std::move(path)), is_folder_(is_folder) {}

  Status open_single() { return open("", path_); }

  Status add(const Question& question) override {
    if (Status checked = check_topic(question); !checked) return checked;
    const std::string key = is_folder_ ? question.topic : "";
    if (ended_.contains(key)) return fail(ErrorCode::kFailed, "its topic was ended", question.topic);
    if (!files_.contains(key)) {
      if (Status opened = open(key, path_ + "/" + key + ".jsonl"); !opened) return opened;
    }
    const bool positional = question.id == positional_id(question.topic, counts_[question.topic]++);
    try {
      const std::string line = line_of(question, positional);
      const Output& output = files_.at(key);
      if (std::fwrite(line.data(), 1, line.size(), output.file.get()) == line.size()) return {};
      return cannot_write(output.path);
    } catch (const std::exception& problem) {  // invalid UTF-8
      return fail(ErrorCode::kFailed, problem.what(), "question " + question_name(question.topic, question.id));
    }
  }

  Status end_topic(const std::string& topic) override { return is_folder_ ? close(topic) : Status(); }

  Status finish() override {
    while (!files_.empty()) {
      if (Status closed = close(std::string(files_.begin()->first)); !closed) return closed;
    }
    return {};
  }

 private:
  struct Output {
    std::string path;
    File file;
  };

  Status close(const std::string& key) {
    const auto found = files_.find(key);
    if (found == files_.end()) return {};
    Output output = std::move(found->second);
    files_.erase(found);
    ended_.insert(key);
    return std::fclose(output.file.release()) == 0 ? Status() : cannot_write(output.path);
  }

  Status open(const std::string& key, const std::string& path) {
    File file(std::fopen(path.c_str(), "wb"), &std::fclose);
    if (!file) return cannot_write(path);
    files_.emplace(key, Output{path, std::move(file)});
    return {};
  }

  std::string path_;
  bool is_folder_;
  std::map<std::string, Output> files_;
  std::map<std::string, int64_t> counts_;  // by topic
  std::set<std::string> ended_;            // topics whose files are complete
};

}  // namespace

Status check_topic(const Question& question) {
  const std::string& topic = question.topic;
  if (!topic.empty() && topic_of_split(topic) == topic) return {};
  return input_error(fmt::format("\"{}\" is not a valid topic name", topic), "question " + question.id,
                     fmt::format("{} would be valid", topic.empty() ? "general" : topic_of_split(topic)));
}

Result<std::unique_ptr<DatasetWriter>> create_jsonl_folder(const std::string& folder) {
  return std::make_unique<JsonlWriter>(folder, true);
}

Result<std::unique_ptr<DatasetWriter>> create_jsonl_file(const std::string& path) {
  auto writer = std::make_unique<JsonlWriter>(path, false);
  if (Status opened = writer->open_single(); !opened) return forward(opened);
  return writer;
}

}  // namespace hre::data
