#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "hre/evaluate.h"
#include "model/llama/llama_scorer.h"

namespace hre {
namespace {

namespace fs = std::filesystem;

std::string shared_data() {
  const char* folder = std::getenv("HRE_TEST_DATA");
  return folder != nullptr ? folder : HRE_SOURCE_DIR "/../shared/data";
}

std::string model_path(const std::string& name) { return shared_data() + "/models/" + name; }

/// A model that tools/setup.sh models fetches.
std::string real_model_path(const std::string& name) {
  const char* folder = std::getenv("HRE_TEST_MODELS");
  return (folder != nullptr ? folder : std::string(HRE_SOURCE_DIR "/build/deps/models")) + "/" + name;
}

#define SKIP_WITHOUT(path) \
  if (!fs::exists(path)) GTEST_SKIP() << path << " is not there"

/// The thread sanitizer does not see OpenMP's barriers, and would report every node of a graph.
#ifdef __SANITIZE_THREAD__
constexpr int kTwoThreads = 1;
#else
constexpr int kTwoThreads = 2;
#endif

/// One thread unless asked: threads that wait for each other are slow where the machine is busy.
std::unique_ptr<Scorer> open(const std::string& path, const ModelOptions& asked = {}, bool one_pass_an_answer = false) {
  EngineOptions options(asked);
  if (options.threads == 0) options.threads = 1;
  options.one_pass_an_answer = one_pass_an_answer;
  SilentProgress progress;
  auto scorer = open_llama(path, options, progress);
  if (!scorer) ADD_FAILURE() << scorer.error().text();
  return scorer ? std::move(*scorer) : nullptr;
}

EvalOptions in_order() {
  EvalOptions options;
  options.shuffle = false;
  return options;
}

EvalOptions limited(int64_t limit, uint64_t seed) {
  EvalOptions options;
  options.limit = limit;
  options.shuffle_seed = seed;
  return options;
}

Run run_of(Scorer& scorer, const Dataset& dataset, EvalOptions options = {}) {
  SilentProgress progress;
  options.keep_tokens = true;
  auto run = evaluate(dataset, scorer, options, progress, {});
  if (!run) ADD_FAILURE() << run.error().text();
  return run ? std::move(*run) : Run();
}

/// Every token's log-probability, by question.
std::map<std::string, std::vector<std::vector<float>>> token_log_probs(const Run& run) {
  std::map<std::string, std::vector<std::vector<float>>> all;
  for (const QuestionResult& question : run.questions) {
    for (const AnswerResult& answer : question.answers) all[question.id].push_back(answer.token_log_probs);
  }
  return all;
}

TEST(LlamaScorer, TokensSpellTheAnswers) {
  for (const char* model : {"stories260K.gguf", "TinyStories-656K-f32.gguf"}) {
    const std::string path = model_path(model);
    SKIP_WITHOUT(path);
    const auto dataset = load_dataset(HRE_SOURCE_DIR "/tests/data/golden/stories.jsonl");
    ASSERT_TRUE(dataset) << dataset.error().text();
    const auto run = run_of(*open(path), *dataset, in_order());
    for (size_t q = 0; q < run.questions.size(); ++q) {
      for (size_t a = 0; a < run.questions[q].answers.size(); ++a) {
        const AnswerResult& answer = run.questions[q].answers[a];
        EXPECT_EQ(answer.token_texts.ends.size(), answer.token_log_probs.size());
        // The prompt's last token may reach over the space.
        const std::string& text = dataset->questions[q].answers[a].text;
        EXPECT_THAT(answer.token_texts.text, testing::AnyOf(" " + text, text)) << model;
      }
    }
  }
}

TEST(LlamaScorer, EqualsAnIndependentImplementation) {
  const std::string path = model_path("TinyStories-656K-f32.gguf");
  SKIP_WITHOUT(path);
  const std::string golden = HRE_SOURCE_DIR "/tests/data/golden/stories";
  const auto scorer = open(path);
  const auto dataset = load_dataset(golden + ".jsonl");
  ASSERT_TRUE(dataset) << dataset.error().text();
  const auto run = run_of(*scorer, *dataset, in_order());

  std::ifstream expected(golden + ".expected.tsv");
  std::string line;
  int compared = 0;
  while (std::getline(expected, line)) {
    if (line.starts_with('#')) continue;
    std::istringstream fields(line);
    size_t question = 0, answer = 0;
    int n_tokens = 0;
    std::string sum, pearson;
    fields >> question >> answer >> n_tokens >> sum >> pearson;
    const QuestionResult& result = run.questions.at(question);
    EXPECT_EQ(result.answers.at(answer).n_tokens, n_tokens);
    EXPECT_NEAR(result.answers.at(answer).sum_log_prob, std::stod(sum), 1e-3) << result.id;
    EXPECT_EQ(result.metrics.pearson.has_value(), pearson != "nan");
    if (result.metrics.pearson) {
      EXPECT_NEAR(*result.metrics.pearson, std::stod(pearson), 1e-4) << result.id;
    }
    ++compared;
  }
  EXPECT_EQ(compared, 14);
}

TEST(LlamaScorer, SharedPrefixEqualsOnePassAnAnswerOnRealText) {
  const std::string path = model_path("stories260K.gguf"), data = shared_data() + "/questions";
  SKIP_WITHOUT(path);
  SKIP_WITHOUT(data);
  const auto dataset = load_dataset(data + "/data");
  ASSERT_TRUE(dataset) << dataset.error().text();
  // Short windows too: there whole sequences are cut on the left and share little or nothing.
  for (const int max_length : {512, 64}) {
    const ModelOptions options{.max_length = max_length, .long_answers = LongAnswers::kTruncate};
    const auto shared = run_of(*open(path, options), *dataset, limited(1, 42));
    const auto plain = run_of(*open(path, options, true), *dataset, limited(1, 42));
    ASSERT_EQ(shared.questions.size(), 4u);
    int64_t truncated = 0;
    for (size_t q = 0; q < shared.questions.size(); ++q) {
      for (size_t a = 0; a < shared.questions[q].answers.size(); ++a) {
        const AnswerResult &one = shared.questions[q].answers[a], &two = plain.questions[q].answers[a];
        EXPECT_EQ(one.n_tokens, two.n_tokens);
        EXPECT_LE(one.n_tokens, max_length);
        EXPECT_TRUE(std::isfinite(one.sum_log_prob));
        EXPECT_NEAR(one.sum_log_prob, two.sum_log_prob, 1e-4 + 1e-6 * std::abs(two.sum_log_prob))
            << shared.questions[q].id;
        truncated += one.n_truncated;
      }
    }
    if (max_length == 64) {
      EXPECT_GT(truncated, 100);
    }
  }
}

TEST(LlamaScorer, AValueDoesNotDependOnOrderLimitNeighboursOrThreads) {
  const std::string path = model_path("stories260K.gguf");
  SKIP_WITHOUT(path);
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  auto dataset = load_dataset("sample");
  ASSERT_TRUE(dataset);
  std::erase_if(dataset->questions,
                [](const Question& q) { return q.topic != "html" && q.topic != "languages_sciences"; });
  const ModelOptions one_thread{.threads = 1};
  const auto whole = token_log_probs(run_of(*open(path, one_thread), *dataset));
  ASSERT_EQ(whole.size(), 16u);

  const auto scorer = open(path, {.threads = kTwoThreads});
  EXPECT_EQ(token_log_probs(run_of(*scorer, *dataset)), whole) << "two threads";
  for (const auto& [id, values] : token_log_probs(run_of(*scorer, *dataset, limited(2, seed)))) {
    EXPECT_EQ(values, whole.at(id)) << "a limit and another shuffle";
  }
  std::shuffle(dataset->questions.begin(), dataset->questions.end(), std::mt19937(seed));
  const auto alone = open(path, one_thread);
  for (const Question& question : dataset->questions) {
    const Dataset single{"one", "one", "", {question}};
    EXPECT_EQ(token_log_probs(run_of(*alone, single)).at(question.id), whole.at(question.id)) << "alone";
  }
}

/// Shipped and real models, on the widest kernels that ONEDNN_MAX_CPU_ISA allows.
class ModelTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { SKIP_WITHOUT(GetParam()); }

  static EngineOptions options_for(int max_length) {
    return {ModelOptions{.threads = kTwoThreads, .max_length = max_length, .long_answers = LongAnswers::kTruncate}};
  }

  static hre::Run run_with(const EngineOptions& options, const Dataset& dataset) {
    SilentProgress progress;
    auto scorer = open_llama(GetParam(), options, progress);
    if (!scorer) ADD_FAILURE() << scorer.error().text();
    return scorer ? run_of(**scorer, dataset, in_order()) : hre::Run();
  }
};

TEST_P(ModelTest, BitsDoNotDependOnSubsetOrderChunkOrThreads) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  auto dataset = load_dataset("sample");
  ASSERT_TRUE(dataset);
  std::shuffle(dataset->questions.begin(), dataset->questions.end(), random);
  dataset->questions.resize(4);
  const auto whole = token_log_probs(run_with(options_for(300), *dataset));
  ASSERT_EQ(whole.size(), 4u);
  const char* rounds = std::getenv("HRE_TEST_ROUNDS");
  for (int round = 0; round < (rounds == nullptr ? 3 : std::atoi(rounds)); ++round) {
    Dataset part = *dataset;
    std::shuffle(part.questions.begin(), part.questions.end(), random);
    part.questions.resize(1 + random() % 3);
    constexpr int64_t kChunks[] = {48, 129, 333, 1024, 2048};
    EngineOptions options = options_for(300);
    options.chunk = kChunks[random() % std::size(kChunks)];
    options.threads = 1 + static_cast<int>(random() % (kTwoThreads + 1));
    for (const auto& [id, values] : token_log_probs(run_with(options, part))) {
      EXPECT_EQ(values, whole.at(id)) << id << " among " << part.questions.size() << ", chunks of " << options.chunk
                                      << " tokens, " << options.threads << " threads";
    }
  }
}

TEST_P(ModelTest, ValuesAreThoseOfTheEngineWithWidenedWeights) {
  const std::string data = shared_data() + "/questions/data";
  SKIP_WITHOUT(data);
  auto dataset = load_dataset(data);
  ASSERT_TRUE(dataset) << dataset.error().text();
  std::map<std::string, int> of_topic;
  std::erase_if(dataset->questions, [&](const Question& question) {
    return (question.topic != "ai" && question.topic != "beer") || ++of_topic[question.topic] > 1;
  });
  EngineOptions by_engine = options_for(64);
  by_engine.one_pass_an_answer = by_engine.widens_weights = true;
  by_engine.kernels = EngineKernels::kPlain;
  const hre::Run expected = run_with(by_engine, *dataset);
  ASSERT_EQ(expected.questions.size(), 2u);
  // Answers of hundreds of nats: float32 adds in another order, the table's integers round (docs/performance.md).
  for (const ComputePrecision precision : {ComputePrecision::kExact, ComputePrecision::kAuto}) {
    const bool exact = precision == ComputePrecision::kExact;
    SCOPED_TRACE(exact ? "exact" : "auto");
    EngineOptions options = options_for(64);
    options.precision = precision;
    const hre::Run run = run_with(options, *dataset);
    double moved = 0;
    for (size_t q = 0; q < expected.questions.size(); ++q) {
      moved += *run.questions[q].metrics.pearson - *expected.questions[q].metrics.pearson;
      for (size_t a = 0; a < expected.questions[q].answers.size(); ++a) {
        const double sum = expected.questions[q].answers[a].sum_log_prob;
        EXPECT_NEAR(run.questions[q].answers[a].sum_log_prob, sum, exact ? 4e-3 : 0.1 + 1e-3 * std::abs(sum))
            << expected.questions[q].id << " answer " << a;
      }
    }
    EXPECT_NEAR(moved / 2, 0, exact ? 1e-4 : 5e-3) << "the mean of r";
  }
}

INSTANTIATE_TEST_SUITE_P(Shipped, ModelTest, testing::Values(HRE_SOURCE_DIR "/models/hre-base-q8_0.gguf"));
INSTANTIATE_TEST_SUITE_P(Real, ModelTest,
                         testing::Values(real_model_path("smollm2-135m-instruct.q4_1.gguf"),
                                         real_model_path("gemma-3-270m-q4_k_m.gguf")));

TEST(LlamaScorer, ManyAnswersTakeSeveralPasses) {
  const std::string path = model_path("stories260K.gguf");
  SKIP_WITHOUT(path);
  Question question{"t/000000", "t", "What did the children find in the garden behind the old house?", {}};
  std::string text = "They found";
  for (int i = 0; i < 70; ++i)
    question.answers.push_back(
        {text + std::string(i % 9, '!') + (i % 7 == 0 ? " a red ball" : " a bird"), double(i % 13)});
  const Dataset dataset{"many", "many", "", {question}};
  const auto shared = run_of(*open(path), dataset), plain = run_of(*open(path, {}, true), dataset);
  ASSERT_EQ(shared.questions[0].answers.size(), 70u);
  for (size_t a = 0; a < 70; ++a) {
    EXPECT_NEAR(shared.questions[0].answers[a].sum_log_prob, plain.questions[0].answers[a].sum_log_prob, 1e-4) << a;
  }
}

TEST(LlamaScorer, WhatAVocabularyCannotExpressIsUndefined) {
  const std::string path = model_path("TinyStories-656K-f32.gguf");
  SKIP_WITHOUT(path);
  const Dataset dataset{"d",
                        "d",
                        "",
                        {{"t/0", "t", "A cat", {{"Yes", 1}, {"\u0416", 2}}},
                         {"t/1", "t", "A cat", {{"Yes", 1}, {"", 2}}},
                         {"t/2", "t", "A cat", {{"Yes", 1}, {"No it is not", 2}, {"Perhaps", 0}}}}};
  const auto run = run_of(*open(path), dataset, in_order());
  EXPECT_EQ(run.questions[0].problem, "answer 2: the model's vocabulary can't express '\u0416'");
  EXPECT_EQ(run.questions[1].problem, "answer 2 is empty");
  EXPECT_TRUE(run.questions[2].metrics.pearson.has_value());
}

TEST(LlamaScorer, LongAnswersFollowThePolicy) {
  const std::string path = model_path("stories260K.gguf");
  SKIP_WITHOUT(path);
  std::string text;
  for (int i = 0; i < 100; ++i) text += "a big dog and ";
  const Dataset dataset{"d", "d", "", {{"t/0", "t", "Who", {{text, 1}, {"Tom", 2}}}}};
  ModelOptions options{.max_length = 50};
  SilentProgress progress;
  const auto error = evaluate(dataset, *open(path, options), {}, progress, {});
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error().code, ErrorCode::kInput);
  EXPECT_THAT(error.error().text(), testing::HasSubstr("question t/0: answer 1 has"));
  options.long_answers = LongAnswers::kSkip;
  EXPECT_THAT(run_of(*open(path, options), dataset).questions[0].problem,
              testing::HasSubstr("more than the maximum length of 50"));
  options.long_answers = LongAnswers::kTruncate;
  const auto cut = run_of(*open(path, options), dataset);
  const AnswerResult& answer = cut.questions[0].answers[0];
  EXPECT_LE(answer.n_tokens, 50);
  EXPECT_GE(answer.n_tokens, 47);
  EXPECT_EQ(answer.n_chars + answer.n_cut_chars, static_cast<int64_t>(text.size()));
}

TEST(LlamaScorer, FilesThatAreNoModels) {
  const fs::path folder = fs::path(testing::TempDir()) / "no_models";
  fs::create_directories(folder);
  const auto message = [](const fs::path& path) {
    SilentProgress progress;
    const auto scorer = open_llama(path.string(), {}, progress);
    if (scorer) return std::string("it was opened");
    EXPECT_EQ(scorer.error().code, ErrorCode::kInput);
    return scorer.error().message;
  };
  EXPECT_EQ(message(folder / "missing.gguf"), "no such file");
  EXPECT_EQ(message(folder), "is a folder, not a .gguf file");
  std::ofstream(folder / "empty.gguf").flush();
  EXPECT_EQ(message(folder / "empty.gguf"), "is empty");
  std::ofstream(folder / "text.gguf") << "once upon a time";
  EXPECT_EQ(message(folder / "text.gguf"), "is not a GGUF file");
  // The smallest valid header: version 3, no tensors, no metadata.
  std::ofstream(folder / "bare.gguf", std::ios::binary) << std::string("GGUF\3\0\0\0", 8) << std::string(16, '\0');
  EXPECT_THAT(message(folder / "bare.gguf"), testing::HasSubstr("can't be loaded"));
  fs::remove_all(folder);
}

TEST(LlamaScorer, AModelWithoutAVocabularyOrWeights) {
  const std::string path = shared_data() + "/tokenizers/ggml-vocab-gpt-2.gguf";
  SKIP_WITHOUT(path);
  SilentProgress progress;
  const auto scorer = open_llama(path, {}, progress);
  ASSERT_FALSE(scorer);
  EXPECT_EQ(scorer.error().code, ErrorCode::kInput);
}

TEST(LlamaScorer, AFileCutAtTwentyPlaces) {
  const std::string path = model_path("stories260K.gguf");
  SKIP_WITHOUT(path);
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const fs::path cut = fs::path(testing::TempDir()) / "cut.gguf";
  const auto size = fs::file_size(path);
  for (int i = 0; i < 20; ++i) {
    fs::copy_file(path, cut, fs::copy_options::overwrite_existing);
    fs::permissions(cut, fs::perms::owner_write, fs::perm_options::add);
    const auto length = 4 + random() % (i < 10 ? 20000 : size - 8);  // half of them in the header
    fs::resize_file(cut, length);
    SilentProgress progress;
    const auto scorer = open_llama(cut.string(), {}, progress);
    ASSERT_FALSE(scorer) << length;
    EXPECT_EQ(scorer.error().code, ErrorCode::kInput);
    EXPECT_FALSE(scorer.error().message.empty());
  }
  fs::remove(cut);
}

}  // namespace
}  // namespace hre
