#include "hre/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "data/test_folder.h"

namespace hre {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kLine = R"({"question": "Q", "answers": [{"text": "A", "votes": 1}, {"text": "B", "votes": 2}]})"
                          "\n";

class DatasetTest : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& contents) { return temporary_.write(name, contents); }

  // "WHERE: MESSAGE" without the folder's name.
  std::string problem_of(const std::string& source) {
    const Result<Dataset> dataset = load_dataset(source);
    if (dataset) return "no error";
    EXPECT_EQ(dataset.error().code, ErrorCode::kInput);
    EXPECT_NE(dataset.error().next, "");
    std::string text = dataset.error().where + ": " + dataset.error().message;
    for (size_t at; (at = text.find(folder_)) != std::string::npos;) text.replace(at, folder_.size(), "DIR");
    return text;
  }

  data::TestFolder temporary_;
  const std::string& folder_ = temporary_.path();
};

TEST_F(DatasetTest, TopicsComeFromTheFieldElseTheFile) {
  write("b/SoftEng.jsonl", kLine + kLine);
  write("b/a.jsonl", R"({"topic": "CSDB", )" + kLine.substr(1) + kLine + R"({"topic": "cs_db", )" + kLine.substr(1));
  const Result<Dataset> dataset = load_dataset(folder_ + "/b");
  ASSERT_TRUE(dataset) << dataset.error().text();
  EXPECT_EQ(dataset->name, "b");
  EXPECT_EQ(dataset->source, folder_ + "/b");
  std::vector<std::string> ids;
  for (const Question& question : dataset->questions) ids.push_back(question.topic + " " + question.id);
  EXPECT_THAT(ids, testing::ElementsAre("soft_eng soft_eng/000000", "soft_eng soft_eng/000001", "cs_db cs_db/000000",
                                        "cs_db cs_db/000001", "a a/000000"))
      << "files by name, then topic after topic";
}

TEST_F(DatasetTest, TheDocumentedExampleReads) {
  std::ifstream file(HRE_SOURCE_DIR "/docs/formats.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t begin = text.find("```json\n") + 8;
  ASSERT_LT(begin, text.size());
  const Result<Dataset> dataset =
      load_dataset(write("mine.jsonl", text.substr(begin, text.find("```", begin) - begin)));
  ASSERT_TRUE(dataset) << dataset.error().text();
  std::vector<std::string> ids;
  for (const Question& question : dataset->questions) ids.push_back(question.id);
  EXPECT_THAT(ids, testing::ElementsAre("python/000000", "python/000001", "q-17"));
  EXPECT_EQ(dataset->questions.back().answers.front().votes, 8.5);
}

TEST_F(DatasetTest, OwnIdsStayAndMayNotRepeat) {
  const std::string own = R"({"id": "x", )" + kLine.substr(1);
  const std::string path = write("t.jsonl", kLine + own + kLine);
  const Result<Dataset> dataset = load_dataset(path);
  ASSERT_TRUE(dataset) << dataset.error().text();
  EXPECT_EQ(dataset->questions[0].id, "t/000000");
  EXPECT_EQ(dataset->questions[1].id, "x");
  EXPECT_EQ(dataset->questions[2].id, "t/000002");
  EXPECT_EQ(problem_of(write("u.jsonl", own + kLine + own)),
            "DIR/u.jsonl, line 3, column id: the id \"x\" appears twice in topic u");
  EXPECT_EQ(problem_of(write("v.jsonl", kLine + R"({"id": "v/000000", )" + kLine.substr(1))),
            "DIR/v.jsonl, line 2, column id: the id \"v/000000\" appears twice in topic v");
  EXPECT_TRUE(load_dataset(write("w.jsonl", own + R"({"id": "x", "topic": "other", )" + kLine.substr(1))));
}

TEST_F(DatasetTest, OneAnswerAloneIsRefused) {
  EXPECT_EQ(problem_of(write("t.jsonl", kLine + R"({"question": "Q", "answers": [{"text": "A", "votes": 1}]})")),
            "DIR/t.jsonl, line 2, column answers: only one answer");
  EXPECT_EQ(problem_of(write("t.jsonl", R"({"question": "Q", "answers": []})")),
            "DIR/t.jsonl, line 1, column answers: no answers");
}

TEST_F(DatasetTest, SaysWhatThereIsInsteadOfADataset) {
  EXPECT_EQ(problem_of(folder_ + "/none"), "DIR/none: there is no such file or folder");
  EXPECT_EQ(problem_of(folder_), "DIR: the folder is empty");
  write("notes.txt", "x");
  write("more/x.csv", "x");
  EXPECT_EQ(problem_of(folder_), "DIR: the folder has no parquet, .jsonl or saved dataset, only more/, notes.txt");
  EXPECT_EQ(problem_of(folder_ + "/notes.txt"),
            "DIR/notes.txt: the file's name does not end in .parquet, .jsonl or .arrow");
  EXPECT_EQ(problem_of(write("t.jsonl", "")), "DIR/t.jsonl: no questions found");
  write("t.parquet", "x");
  EXPECT_EQ(problem_of(folder_), "DIR: the folder mixes formats: t.jsonl and t.parquet");
  fs::remove(folder_ + "/t.parquet");
  write("data/t.jsonl", kLine);
  EXPECT_EQ(problem_of(folder_), "DIR: questions are both in the folder and in its subfolder data");
  EXPECT_EQ(problem_of("/dev/null"), "/dev/null: this is neither a file nor a folder");
  EXPECT_EQ(problem_of("hf:huawei-noah/human_rank_eval"),
            "hf:huawei-noah/human_rank_eval: this is a name on the hub, not a path");
  const Result<Dataset> slip = load_dataset("sampel");
  ASSERT_FALSE(slip);
  EXPECT_EQ(slip.error().next, "did you mean sample?");
}

TEST_F(DatasetTest, PartsMustAllBeThereOnce) {
  write("d/data/HumanRankEvalCPP-00000-of-00002-0a1b.jsonl", kLine);
  EXPECT_EQ(problem_of(folder_ + "/d"), "DIR/d/data: split HumanRankEvalCPP has 1 of 2 parts");
  write("d/data/HumanRankEvalCPP-00001-of-00002.jsonl", kLine);
  const Result<Dataset> dataset = load_dataset(folder_ + "/d");
  ASSERT_TRUE(dataset) << dataset.error().text();
  ASSERT_EQ(dataset->questions.size(), 2u);
  EXPECT_EQ(dataset->questions[1].id, "cpp/000001");
  write("d/data/HumanRankEvalCPP-00001-of-00002-ffff.jsonl", kLine);
  EXPECT_EQ(problem_of(folder_ + "/d"), "DIR/d/data: part 1 of split HumanRankEvalCPP exists twice");
}

TEST_F(DatasetTest, PartsAreNumberedFromNought) {
  write("d/data/HumanRankEvalCPP-00001-of-00002.jsonl", kLine);
  write("d/data/HumanRankEvalCPP-00002-of-00002.jsonl", kLine);
  EXPECT_EQ(problem_of(folder_ + "/d"),
            "DIR/d/data: split HumanRankEvalCPP has parts that are not numbered from 0 to 1");
}

TEST_F(DatasetTest, ProgressGoesFromNothingToAll) {
  write("d/a.jsonl", kLine + kLine);
  write("d/b.jsonl", kLine);
  Result<std::unique_ptr<DatasetReader>> reader = open_dataset(folder_ + "/d");
  ASSERT_TRUE(reader);
  double last = (*reader)->progress();
  EXPECT_EQ(last, 0);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE((*reader)->next());
    EXPECT_GE((*reader)->progress(), last);
    last = (*reader)->progress();
  }
  EXPECT_EQ(last, 1);
}

TEST(Sample, HasItsTopicsInOrder) {
  const Result<Dataset> dataset = load_dataset("sample");
  if (!dataset && dataset.error().message == "this build of hre has no sample")
    GTEST_SKIP() << "no sample in this build";
  ASSERT_TRUE(dataset) << dataset.error().text();
  std::map<std::string, int> topics;
  for (const Question& question : dataset->questions) ++topics[question.topic];
  EXPECT_EQ(topics.size(), 14u);
  for (const auto& [topic, n] : topics) EXPECT_GE(n, 4) << topic;
  EXPECT_TRUE(std::is_sorted(dataset->questions.begin(), dataset->questions.end(),
                             [](const Question& a, const Question& b) { return a.topic < b.topic; }));
}

std::string shared_questions() {
  const char* set = std::getenv("HRE_TEST_DATA");
  return (set ? std::string(set) : std::string(HRE_SOURCE_DIR "/../shared/data")) + "/questions";
}

TEST(RealQuestions, ReadFromParquetAndJsonLines) {
  if (!fs::exists(shared_questions())) GTEST_SKIP() << "no " << shared_questions();
  const Result<Dataset> parquet = load_dataset(shared_questions());
  ASSERT_TRUE(parquet) << parquet.error().text();
  EXPECT_EQ(parquet->name, "questions");
  const Result<Dataset> plain = load_dataset(shared_questions() + "/plain");
  ASSERT_TRUE(plain) << plain.error().text();
  ASSERT_EQ(parquet->questions.size(), 361u);
  ASSERT_EQ(plain->questions.size(), 361u);
  EXPECT_NE(parquet->fingerprint, plain->fingerprint);
  for (size_t i = 0; i < 361; ++i) {
    const auto &a = parquet->questions[i].answers, &b = plain->questions[i].answers;
    ASSERT_EQ(a.size(), b.size());
    for (size_t j = 0; j < a.size(); ++j) EXPECT_EQ(a[j].votes, b[j].votes) << "the same questions, so the same votes";
  }
}

Question question_of(const std::string& topic, const std::string& text) {
  return {.id = positional_id(topic, 0), .topic = topic, .text = text, .answers = {{"A", 1}, {"B", -0.0}}};
}

TEST(Fingerprint, DependsOnContentsAndNotOnTheOrderOfTopics) {
  const auto of = [](const std::vector<Question>& questions) {
    DatasetFingerprint fingerprint;
    for (const Question& question : questions) fingerprint.add(question);
    return fingerprint.value();
  };
  const Question a = question_of("a", "x"), a2 = question_of("a", "y"), b = question_of("b", "x");
  EXPECT_EQ(of({a, b, a2}).size(), 32u);
  EXPECT_EQ(of({a, a2, b}), of({b, a, a2}));
  EXPECT_EQ(of({a, a2, b}), of({a, b, a2}));
  EXPECT_NE(of({a, a2, b}), of({a2, a, b}));
  EXPECT_NE(of({a, b}), of({a, a2}));
  std::vector<std::string> seen = {of({a})};
  for (const auto& change : std::vector<void (*)(Question&)>{
           [](Question& q) { q.id += "x"; }, [](Question& q) { q.topic += "x"; }, [](Question& q) { q.text += "x"; },
           [](Question& q) { q.answers[0].text += "x"; }, [](Question& q) { q.answers[0].votes += 0.5; },
           [](Question& q) { std::swap(q.answers[0], q.answers[1]); }, [](Question& q) { q.answers.pop_back(); },
           [](Question& q) { q.text += q.answers[0].text, q.answers[0].text = ""; }}) {
    Question changed = a;
    change(changed);
    const std::string value = of({changed});
    EXPECT_THAT(seen, testing::Not(testing::Contains(value)));
    seen.push_back(value);
  }
  Question zero = a;
  zero.answers[1].votes = 0.0;
  EXPECT_EQ(of({zero}), of({a}));
}

}  // namespace
}  // namespace hre
