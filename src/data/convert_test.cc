#include "data/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <random>

#include "data/test_folder.h"
#include "data/writer.h"

namespace hre::data {
namespace {

namespace fs = std::filesystem;

// Text of letters of all lengths in UTF-8, with what JSON escapes and parquet does not.
std::string random_text(std::mt19937& random) {
  static const std::vector<std::string> kPieces = {"a", "Q",  " ",    "\n",     "\"", "\\",  "\t", std::string(1, '\0'),
                                                   "ß", "日", "🙂", "\u2028", "{",  "\x7f"};
  std::string text;
  for (unsigned n = random() % 40; n > 0; --n) text += kPieces[random() % kPieces.size()];
  return text;
}

double random_votes(std::mt19937& random) {
  switch (random() % 6) {
    case 0:
      return static_cast<double>(random()) / 7;
    case 1:
      return -static_cast<double>(random() % 5);
    case 2:
      return 1e-300 * static_cast<double>(random());
    case 3:
      return 1e18 + static_cast<double>(random());
    default:
      return static_cast<double>(random() % 50);
  }
}

std::vector<Question> random_questions(std::mt19937& random, bool own_ids) {
  const std::vector<std::string> topics = {"python", "soft_eng", "a_b", "料理", "c++"};
  std::map<std::string, int64_t> counts;
  std::vector<Question> questions;
  for (unsigned n = 1 + random() % 60; n > 0; --n) {
    Question question{.id = {}, .topic = topics[random() % topics.size()], .text = random_text(random), .answers = {}};
    const int64_t position = counts[question.topic]++;
    const bool own = own_ids && random() % 2 == 0;
    question.id = own ? "id " + std::to_string(n) : positional_id(question.topic, position);
    for (unsigned a = 2 + random() % 4; a > 0; --a)
      question.answers.push_back({random_text(random), random_votes(random)});
    questions.push_back(std::move(question));
  }
  return questions;
}

std::string fingerprint_of(const std::vector<Question>& questions) {
  DatasetFingerprint fingerprint;
  for (const Question& question : questions) fingerprint.add(question);
  return fingerprint.value();
}

std::map<std::string, std::vector<Question>> by_topic(const std::vector<Question>& questions) {
  std::map<std::string, std::vector<Question>> topics;
  for (const Question& question : questions) topics[question.topic].push_back(question);
  return topics;
}

Status write_all(DatasetWriter& writer, const std::vector<Question>& questions) {
  for (const Question& question : questions) {
    if (Status added = writer.add(question); !added) return added;
  }
  return writer.finish();
}

TEST(Writers, EveryFormatReadsBackEqual) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 20; ++round) {
    const bool own_ids = round % 2 == 1;
    const std::vector<Question> questions = random_questions(random, own_ids);
    const TestFolder folder;
    for (const char* inner : {"parquet", "jsonl"}) fs::create_directory(folder / inner);
    const std::vector<std::pair<std::string, Result<std::unique_ptr<DatasetWriter>>>> writers = [&] {
      std::vector<std::pair<std::string, Result<std::unique_ptr<DatasetWriter>>>> all;
      all.emplace_back("parquet", create_published(folder / "parquet", own_ids ? Ids::kOwn : Ids::kPositional));
      all.emplace_back("jsonl", create_jsonl_folder(folder / "jsonl"));
      all.emplace_back("all.jsonl", create_jsonl_file(folder / "all.jsonl"));
      return all;
    }();
    for (const auto& [name, writer] : writers) {
      ASSERT_TRUE(writer);
      const Status written = write_all(**writer, questions);
      ASSERT_TRUE(written) << written.error().text();
      const Result<Dataset> dataset = load_dataset(folder / name);
      ASSERT_TRUE(dataset) << dataset.error().text();
      EXPECT_EQ(dataset->fingerprint, fingerprint_of(questions)) << name;
      EXPECT_EQ(by_topic(dataset->questions), by_topic(questions)) << name;
    }
  }
}

TEST(Writers, RowGroupsOfManyRowsKeepTheirOrder) {
  const TestFolder folder;
  std::vector<Question> questions;
  for (int i = 0; i < 2500; ++i) {
    questions.push_back(
        {positional_id("t", i), "t", "question " + std::to_string(i), {{"a", 1}, {"b", static_cast<double>(i)}}});
  }
  auto writer = create_published(folder.path());
  ASSERT_TRUE(writer && write_all(**writer, questions));
  const Result<Dataset> dataset = load_dataset(folder.path());
  ASSERT_TRUE(dataset) << dataset.error().text();
  EXPECT_EQ(dataset->questions, questions);
}

TEST(Writers, AnEndedTopicIsCompleteAndTakesNoMore) {
  const TestFolder folder;
  for (const char* inner : {"parquet", "jsonl"}) fs::create_directory(folder / inner);
  auto parquet = create_published(folder / "parquet"), jsonl = create_jsonl_folder(folder / "jsonl");
  ASSERT_TRUE(parquet && jsonl);
  for (DatasetWriter* writer : {parquet->get(), jsonl->get()}) {
    const std::string name = writer == parquet->get() ? "parquet" : "jsonl";
    const Question question{"t/000000", "t", "Q", {{"a", 1}, {"b", 2}}};
    ASSERT_TRUE(writer->add(question));
    ASSERT_TRUE(writer->end_topic("t"));
    ASSERT_TRUE(writer->end_topic("unknown"));
    const Result<Dataset> dataset = load_dataset(folder / name);
    ASSERT_TRUE(dataset) << dataset.error().text();
    EXPECT_EQ(dataset->questions, std::vector<Question>{question});
    EXPECT_FALSE(writer->add({"t/000001", "t", "Q", question.answers})) << name;
    EXPECT_TRUE(writer->add({"u/000000", "u", "Q", question.answers}));
    EXPECT_TRUE(writer->finish());
  }
}

TEST(Writers, RefuseWhatTheyWouldLoseOrMisplace) {
  const TestFolder folder;
  const std::vector<Answer> answers = {{"a", 1}, {"b", 2}};
  auto parquet = create_published(folder.path());
  auto jsonl = create_jsonl_folder(folder.path());
  ASSERT_TRUE(parquet && jsonl);
  EXPECT_FALSE((*parquet)->add({"own", "t", "Q", answers})) << "an id without a column for it";
  for (const char* topic : {"", "../t", "a/b", "T", ".t"}) {
    EXPECT_FALSE((*parquet)->add({positional_id(topic, 0), topic, "Q", answers})) << topic;
    EXPECT_FALSE((*jsonl)->add({positional_id(topic, 0), topic, "Q", answers})) << topic;
  }
  EXPECT_FALSE((*jsonl)->add({"t/000000", "t", "\xFF", answers})) << "invalid UTF-8";
}

ConvertOptions options(OutputFormat format, std::vector<std::string> topics = {}, bool replace = false) {
  return {.format = format, .topics = std::move(topics), .replace = replace};
}

class ConvertTest : public testing::Test {
 protected:
  Result<Converted> convert(const std::string& source, const std::string& out, const ConvertOptions& options,
                            const std::stop_token& stop = {}) {
    SilentProgress progress;
    return convert_dataset(source, folder_ / out, options, progress, stop);
  }

  // Two topics, mixed in one file.
  std::string write_source() {
    std::string lines;
    for (int i = 0; i < 6; ++i) {
      lines += R"({"topic": ")" + std::string(i % 2 ? "cpp" : "unix") + R"(", "question": "Q)" + std::to_string(i) +
               R"(", "answers": [{"text": "A", "votes": 1}, {"text": "B", "votes": "2"}]})" + "\n";
    }
    return folder_.write("source.jsonl", lines);
  }

  TestFolder folder_;
};

TEST_F(ConvertTest, GoesAroundThroughAllFormats) {
  const std::string source = write_source();
  const auto parquet = convert(source, "p", options(OutputFormat::kParquet));
  ASSERT_TRUE(parquet) << parquet.error().text();
  EXPECT_EQ(parquet->questions, 6);
  EXPECT_THAT(parquet->topics, testing::ElementsAre("unix", "cpp"));
  EXPECT_TRUE(fs::exists(folder_ / "p/data/HumanRankEvalCPP-00000-of-00001.parquet"));
  const auto lines = convert(folder_ / "p", "l", options(OutputFormat::kJsonlFolder));
  ASSERT_TRUE(lines) << lines.error().text();
  EXPECT_TRUE(fs::exists(folder_ / "l/unix.jsonl"));
  const auto file = convert(folder_ / "l", "f.jsonl", options(OutputFormat::kJsonlFile));
  ASSERT_TRUE(file) << file.error().text();
  const Result<Dataset> first = load_dataset(source), last = load_dataset(folder_ / "f.jsonl");
  ASSERT_TRUE(first && last);
  EXPECT_EQ(first->fingerprint, last->fingerprint);
  EXPECT_EQ(file->fingerprint, last->fingerprint);
}

TEST_F(ConvertTest, WritesTheTopicsAskedFor) {
  const auto one = convert(write_source(), "l", options(OutputFormat::kJsonlFolder, {"c*"}));
  ASSERT_TRUE(one) << one.error().text();
  EXPECT_EQ(one->questions, 3);
  EXPECT_FALSE(fs::exists(folder_ / "l/unix.jsonl"));
  const auto none = convert(write_source(), "n", options(OutputFormat::kParquet, {"cp"}));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().text(), "‹topic›: no topic matches \"cp\"; did you mean cpp? the topics are unix, cpp");
  EXPECT_EQ(folder_.entries(), 2) << "source and l, and nothing half-written";
}

TEST_F(ConvertTest, BadInputLeavesNothing) {
  folder_.write("bad.jsonl", folder_.read(fs::path(write_source()).filename()) + "nonsense\n");
  const auto bad = convert(folder_ / "bad.jsonl", "p", {});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, ErrorCode::kInput);
  EXPECT_EQ(folder_.entries(), 2);
}

TEST_F(ConvertTest, AStopLeavesNothing) {
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = convert(write_source(), "p", {}, stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kInterrupted);
  EXPECT_EQ(folder_.entries(), 1);
}

// A disk that is full, as far as a process can tell: no file may grow beyond a limit.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit = {bytes, old_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit old_ = {};
  void (*old_handler_)(int);
};

TEST_F(ConvertTest, AFullDiskLeavesNothing) {
  const std::string source = write_source();
  folder_.write("p/old.jsonl", "old");
  for (const OutputFormat format : {OutputFormat::kParquet, OutputFormat::kJsonlFolder, OutputFormat::kJsonlFile}) {
    for (const rlim_t bytes : {0, 1, 100}) {
      const FileSizeLimit limit(bytes);
      const auto failed =
          convert(source, format == OutputFormat::kJsonlFile ? "f.jsonl" : "p", options(format, {}, true));
      ASSERT_FALSE(failed) << bytes;
      EXPECT_EQ(failed.error().code, ErrorCode::kFailed) << failed.error().text();
      EXPECT_NE(failed.error().message.find("File too large"), std::string::npos) << failed.error().text();
    }
  }
  EXPECT_EQ(folder_.read("p/old.jsonl"), "old");
  EXPECT_EQ(folder_.entries(), 2);
}

}  // namespace
}  // namespace hre::data
