#include "report/run_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "analysis/question_metrics.h"

namespace hre {
namespace {

using testing::HasSubstr;

Run example() {
  Run run;
  run.model = {"tiny",     "models/tiny.gguf",
               "0123abcd", "llama",
               656000,     "F32",
               0,          true,
               true,       {{"engine", "e 1"}, {"bos", "none"}}};
  run.dataset_name = "sample";
  run.dataset_source = "sample";
  run.dataset_fingerprint = "feed";
  run.dataset_questions = 70;
  run.options.topics = {"p*"};
  run.options.where = {"length<500"};
  run.options.limit = 2;
  run.options.shuffle_seed = std::numeric_limits<uint64_t>::max();
  run.options.keep_tokens = true;
  run.planned = 3;
  run.created = "2026-01-31T12:00:00Z";
  run.times = {0.25, 1.5, 100, 180};
  AnswerResult first{12, 118, 119, 2, 3, 4, -1.600000001490116, 0, {-1.5F, -0.1F}, token_texts({" caf\xC3", "\xA9"})};
  AnswerResult second{-2.5, 7, 0, 1, 0, 0, -1e-300, 0, {}, {}};
  run.questions = {{"python/000012", "python", {}, {first, second}, ""},
                   {"python/000013", "python", {}, {}, "answer 2 is empty"}};
  complete_question(run.questions[0], true);
  run.options.undefined = UndefinedPolicy::kZero;
  run.early_stop = {"width=0.5", "pearson", 42, false, -0.5, std::nullopt};
  return run;
}

TEST(RunJson, ReadsBackWhatWasWritten) {
  const hre::Run run = example();
  const std::string text = run_json(run, summarize(run.questions), true);
  const auto back = read_runs_json(text, "run.json");
  ASSERT_TRUE(back) << back.error().text();
  ASSERT_EQ(back->size(), 1u);
  const hre::Run& read = back->front();
  EXPECT_EQ(run_json(read, summarize(read.questions), true), text);
  EXPECT_EQ(read.options.shuffle_seed, run.options.shuffle_seed);
  EXPECT_EQ(read.questions[0].answers[0].sum_log_prob, run.questions[0].answers[0].sum_log_prob);
  EXPECT_EQ(read.questions[0].answers[0].n_bytes, 119);
  EXPECT_EQ(read.questions[0].answers[1].n_bytes, 0) << "not known";
  EXPECT_EQ(read.questions[0].answers[0].token_log_probs, run.questions[0].answers[0].token_log_probs);
  EXPECT_EQ(read.questions[0].answers[0].token_texts, run.questions[0].answers[0].token_texts);
  EXPECT_EQ(read.model.settings, run.model.settings);
  EXPECT_EQ(read.questions[0].metrics.pearson, run.questions[0].metrics.pearson);
  EXPECT_EQ(read.questions[0].metrics.pairwise_accuracy, run.questions[0].metrics.pairwise_accuracy);
  EXPECT_FALSE(read.questions[1].metrics.pearson);
  EXPECT_EQ(read.early_stop, run.early_stop);
  EXPECT_EQ(read.options.undefined, UndefinedPolicy::kZero);
  EXPECT_TRUE(read.partial());
}

TEST(RunJson, ComputesMetricsThatTheWriterDidNotKnow) {
  std::string text = run_json(example(), {}, true);
  const std::string from = "\"ndcg\"";
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from))
    text.replace(at, from.size(), "\"x\"");
  const auto back = read_runs_json(text, "run.json");
  ASSERT_TRUE(back) << back.error().text();
  ASSERT_TRUE(back->front().questions[0].metrics.ndcg);
  EXPECT_EQ(back->front().questions[0].metrics.ndcg, example().questions[0].metrics.ndcg);
  EXPECT_FALSE(back->front().questions[1].metrics.ndcg);
}

TEST(RunJson, ReadsSeveral) {
  const hre::Run run = example();
  const std::string one = run_json(run, summarize(run.questions), true);
  const auto two = read_runs_json("[" + one + "," + one + "]", "runs.json");
  ASSERT_TRUE(two) << two.error().text();
  EXPECT_EQ(two->size(), 2u);
}

TEST(RunJson, KeepsWhatIsNotFiniteAsUndefined) {
  hre::Run run = example();
  run.questions[0].answers[0].sum_log_prob = run.questions[0].answers[0].token_log_probs[1] = std::nanf("");
  run.questions[0].metrics = {};
  complete_question(run.questions[0], run.model.normalise_by_characters);
  const auto back = read_runs_json(run_json(run, summarize(run.questions), true), "run.json");
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_TRUE(std::isnan(back->front().questions[0].answers[0].score));
}

std::string problem(const std::string& text) {
  const auto runs = read_runs_json(text, "run.json");
  return runs ? "none" : runs.error().text();
}

TEST(RunJson, SaysWhatIsWrong) {
  const hre::Run run = example();
  const std::string good = run_json(run, summarize(run.questions), true);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  EXPECT_THAT(problem(""), HasSubstr("run.json: is not JSON"));
  EXPECT_THAT(problem(good.substr(0, good.size() / 2)), HasSubstr("is not JSON"));
  EXPECT_EQ(problem("{}"), "run.json: has no field 'format': is it a result of hre eval?");
  EXPECT_EQ(problem("[]"), "run.json: holds no run");
  EXPECT_EQ(problem("[3]"), "run.json: [0]: has no field 'format': is it a result of hre eval?");
  EXPECT_EQ(problem(with("hre-run/1", "hre-run/9")), "run.json: format: is 'hre-run/9', not hre-run/1");
  EXPECT_EQ(problem(with("\"votes\": 12.0", "\"votes\": \"12\"")),
            "run.json: questions[0].answers[0].votes: is not a number");
  EXPECT_EQ(problem(with("\"n_chars\": 118", "\"n_chars\": -118")),
            "run.json: questions[0].answers[0].n_chars: is not a count");
  EXPECT_EQ(problem(with("\" caf\",", "")), "run.json: questions[0].answers[0].token_texts: has 1 texts for 2 tokens");
  EXPECT_EQ(problem(with("\"n_tokens\": 2", "\"n_tokens\": 3")),
            "run.json: questions[0].answers[0].n_tokens: is 3, and there are the values of 2 tokens");
  EXPECT_THAT(problem(with("\"sum_log_prob\": -1.6", "\"sum_log_prob\": -1.7")),
              HasSubstr("run.json: questions[0].answers[0].sum_log_prob: is -1.7"));
  EXPECT_THAT(problem(with("\"sum_log_prob\": -1.600000001490116", "\"sum_log_prob\": null")),
              HasSubstr("questions[0].answers[0].sum_log_prob: is nan, and the tokens beside it give -1.6"));
  EXPECT_EQ(problem(with("\"sum_log_prob\": -1.600000001490116", "\"sum_log_prob\": -1.6000001")), "none");
  EXPECT_THAT(problem(with("\"votes\": 12.0", "\"votes\": -12.0")), HasSubstr("run.json: questions[0].pearson: is -"));
  EXPECT_EQ(problem(with("\"planned\": 3", "\"planned\": 1")),
            "run.json: planned: is less than the number of questions in the file");
  EXPECT_EQ(problem(run_json(run, summarize(run.questions), false)),
            "run.json: holds no questions: it was written without ‹details›");
  EXPECT_EQ(problem("\"\xff\""), "run.json: byte 2 is not UTF-8");
  EXPECT_THAT(problem(std::string(200000, '[')), HasSubstr("is not JSON"));
}

}  // namespace
}  // namespace hre
