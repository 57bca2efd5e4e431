/// Files that pyarrow and datasets wrote (tools/make_data_fixtures.py), whole and damaged.
#include "data/arrow_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>

#include "data/test_folder.h"

namespace hre::data {
namespace {

namespace fs = std::filesystem;

const std::string kFixtures = HRE_SOURCE_DIR "/tests/data/datasets";
const std::string kParquet =
    kFixtures + "/equal/published/data/HumanRankEvalPython-00000-of-00001-0123456789abcdef.parquet";
const std::string kStream = kFixtures + "/equal/saved_dict/HumanRankEvalPython/data-00000-of-00001.arrow";

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What the script says that the fixtures hold, by topic.
std::map<std::string, std::vector<Question>> expected() {
  std::map<std::string, std::vector<Question>> topics;
  for (const auto& json : nlohmann::json::parse(read_file(kFixtures + "/expected.json"))) {
    Question question{.id = json["id"], .topic = json["topic"], .text = json["question"], .answers = {}};
    for (const auto& answer : json["answers"]) question.answers.push_back({answer["text"], answer["votes"]});
    topics[question.topic].push_back(std::move(question));
  }
  return topics;
}

class EqualFixture : public testing::TestWithParam<const char*> {};

TEST_P(EqualFixture, HoldsWhatPythonPutThere) {
  const Result<Dataset> dataset = load_dataset(kFixtures + "/equal/" + GetParam());
  ASSERT_TRUE(dataset) << dataset.error().text();
  std::map<std::string, std::vector<Question>> topics;
  for (const Question& question : dataset->questions) topics[question.topic].push_back(question);
  EXPECT_EQ(topics, expected());
}

INSTANTIATE_TEST_SUITE_P(Written, EqualFixture,
                         testing::Values("published", "int_votes", "small_int_votes", "float_votes", "half_votes",
                                         "large", "dictionary", "views", "list_views", "large_list_views",
                                         "struct_of_lists", "extra_columns", "parts", "topic_column", "saved_dict",
                                         "saved_parts", "saved_one", "saved_selection"),
                         [](const auto& instance) { return std::string(instance.param); });

std::string problem_of(const std::string& source) {
  const Result<Dataset> dataset = load_dataset(source);
  if (dataset) return "no error";
  EXPECT_EQ(dataset.error().code, ErrorCode::kInput);
  EXPECT_NE(dataset.error().next, "");
  std::string text = dataset.error().where + ": " + dataset.error().message;
  for (size_t at; (at = text.find(kFixtures)) != std::string::npos;) text.replace(at, kFixtures.size(), "DIR");
  return text;
}

TEST(BadFixtures, NameFileRowAndColumn) {
  const std::pair<const char*, const char*> kProblems[] = {
      {"votes_text.parquet", ", row 2, answer 2, column votes: \"many\" is not a number"},
      {"votes_nan.parquet", ", row 1, answer 2, column votes: nan is not a finite number"},
      {"votes_null.parquet", ", row 3, answer 2, column votes: an answer without votes (null)"},
      {"votes_bool.parquet", ", column answers.votes: the type is bool, where a string or a number is expected"},
      {"text_null.parquet", ", row 2, answer 1, column text: an answer without text (null)"},
      {"answer_null.parquet", ", row 2, answer 2: the answer is null"},
      {"answers_null.parquet", ", row 2, column answers: no answers (null)"},
      {"one_answer.parquet", ", row 2, column answers: only one answer"},
      {"question_null.parquet", ", row 2, column question: a question without text (null)"},
      {"question_int.parquet", ", column question: the type is int64, where a string is expected"},
      {"answers_text.parquet",
       ", column answers: the type is list<element: string>, where a list of structs with text and votes is expected"},
      {"answers_struct.parquet", ", row 1, column answers: 2 texts and 1 votes"},
      {"no_votes.parquet", ", column answers: the structs need exactly one field \"votes\""},
      {"no_answers.parquet", ": there is no column \"answers\" (the columns are question, reply)"},
      {"id_twice.parquet", ", row 3, column id: the id \"x\" appears twice in topic id_twice"},
      {"no_rows.parquet", ": no questions found"},
      {"latin1.parquet", ", row 2, column question: invalid UTF-8 at byte 3 of the text"},
      {"feather.arrow", ": this is Arrow's file format (Feather), not its stream format"},
      {"saved_truncated", "/HumanRankEvalSoftEng/data-00000-of-00001.arrow: the Arrow stream has no end marker"},
      {"saved_missing",
       "/HumanRankEvalSoftEng/data-00000-of-00001.arrow: the file is named in state.json but missing"}};
  for (const auto& [name, problem] : kProblems) {
    EXPECT_EQ(problem_of(kFixtures + "/bad/" + name), std::string("DIR/bad/") + name + problem);
  }
  for (const char* name : {"truncated.parquet", "empty.parquet", "text.parquet"}) {
    EXPECT_THAT(problem_of(kFixtures + "/bad/" + name),
                testing::StartsWith(std::string("DIR/bad/") + name + ": the file cannot be read: "));
  }
}

using ReadBytes = Result<std::unique_ptr<RowReader>> (*)(std::string_view, const std::string&, int64_t);
constexpr int64_t kMemory = int64_t{64} << 20;

// Reads all rows; what is wrong, or how many there are.
Result<int> count_rows(ReadBytes read, const std::string& bytes, int64_t memory = kMemory) {
  Result<std::unique_ptr<RowReader>> reader = read(bytes, "bytes", memory);
  if (!reader) return forward(reader);
  for (int n = 0;; ++n) {
    Result<std::optional<Row>> row = (*reader)->next();
    if (!row) return forward(row);
    if (!*row) return n;
  }
}

class DamagedFile : public testing::TestWithParam<std::pair<ReadBytes, std::string>> {};

TEST_P(DamagedFile, IsRefusedWhereverItIsCut) {
  const auto& [read, path] = GetParam();
  const std::string whole = read_file(path);
  ASSERT_EQ(count_rows(read, whole).value(), 3);
  for (size_t i = 0; i < 20; ++i) {
    const Result<int> rows = count_rows(read, whole.substr(0, whole.size() * i / 20));
    ASSERT_FALSE(rows) << i;
    EXPECT_EQ(rows.error().code, ErrorCode::kInput);
    EXPECT_EQ(rows.error().message.find('\n'), std::string::npos);
  }
}

TEST_P(DamagedFile, NeverCrashes) {
  const auto& [read, path] = GetParam();
  const std::string whole = read_file(path);
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  int refused = 0;
  constexpr int kRounds = 2000;
  for (int round = 0; round < kRounds; ++round) {
    std::string damaged = whole;
    for (unsigned n = 1 + random() % 4; n > 0; --n) damaged[random() % damaged.size()] = static_cast<char>(random());
    const Result<int> rows = count_rows(read, damaged);
    refused += !rows;
    EXPECT_TRUE(rows || !rows.error().message.empty());
  }
  EXPECT_GT(refused, kRounds / 20);
}

INSTANTIATE_TEST_SUITE_P(Of, DamagedFile,
                         testing::Values(std::pair(&read_parquet, kParquet), std::pair(&read_arrow_stream, kStream)),
                         [](const auto& instance) { return instance.index == 0 ? "Parquet" : "ArrowStream"; });

TEST(ParquetRows, TakeNoMoreMemoryThanTheyMay) {
  const Result<int> rows = count_rows(read_parquet, read_file(kParquet), 64);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().message, "the file cannot be read: it asks for more memory than any such file needs");
}

TEST(ParquetRows, ComeFromManyRowGroupsAndTellProgress) {
  Result<std::unique_ptr<RowReader>> reader = open_parquet(kFixtures + "/equal/large/HumanRankEvalPython.parquet");
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->progress(), 0);
  for (int i = 1; i <= 3; ++i) {
    const Result<std::optional<Row>> row = (*reader)->next();
    ASSERT_TRUE(row && *row);
    EXPECT_TRUE((*reader)->where().ends_with(", row " + std::to_string(i)));
  }
  EXPECT_EQ((*reader)->progress(), 1);
}

class SavedDataset : public testing::Test {
 protected:
  void SetUp() override { fs::copy(kFixtures + "/equal/saved_dict", folder_ / "d", fs::copy_options::recursive); }
  std::string problem() {
    const Result<Dataset> dataset = load_dataset(folder_ / "d");
    return dataset ? "no error" : dataset.error().message;
  }
  TestFolder folder_;
};

TEST_F(SavedDataset, KeepsTheOrderOfSplits) {
  folder_.write("d/dataset_dict.json", R"({"splits": ["HumanRankEvalSoftEng", "HumanRankEvalPython"]})");
  const Result<Dataset> dataset = load_dataset(folder_ / "d");
  ASSERT_TRUE(dataset) << dataset.error().text();
  EXPECT_EQ(dataset->questions.front().topic, "soft_eng");
  EXPECT_EQ(dataset->questions.back().topic, "python");
}

TEST_F(SavedDataset, IsRefusedWhereItsFilesAreOdd) {
  folder_.write("d/dataset_dict.json", "nonsense");
  EXPECT_EQ(problem(), "cannot be read as a JSON object");
  folder_.write("d/dataset_dict.json", std::string(100'000, '['));
  EXPECT_EQ(problem(), "cannot be read as a JSON object");
  folder_.write("d/dataset_dict.json", "{}");
  EXPECT_EQ(problem(), "lists no splits");
  folder_.write("d/dataset_dict.json", R"({"splits": []})");
  EXPECT_EQ(problem(), "no questions found");
  folder_.write("d/dataset_dict.json", R"({"splits": ["../d/HumanRankEvalPython"]})");
  EXPECT_EQ(problem(), "the name of a split is not a folder name");
  folder_.write("d/dataset_dict.json", R"({"splits": ["HumanRankEvalPython"]})");
  folder_.write("d/HumanRankEvalPython/state.json", R"({"_data_files": [{"filename": "../../x.arrow"}]})");
  EXPECT_EQ(problem(), "_data_files has an entry without a file name");
  folder_.write("d/HumanRankEvalPython/state.json", R"({"_data_files": 3})");
  EXPECT_EQ(problem(), "lists no _data_files");
  folder_.write("d/HumanRankEvalPython/state.json",
                R"({"_data_files": [], "_indices_data_files": [{"filename": "i.arrow"}]})");
  EXPECT_EQ(problem(), "the dataset selects rows by an index, which hre does not read");
}

}  // namespace
}  // namespace hre::data
