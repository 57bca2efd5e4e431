#include "hre/summary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "analysis/question_metrics.h"
#include "stats/estimate.h"
#include "stats/test_table.h"

namespace hre {
namespace {

using testing_tables::near;
using testing_tables::read_table;
using testing_tables::Row;
using Values = std::vector<double>;

QuestionResult question(const std::string& topic, std::optional<double> pearson) {
  QuestionResult result;
  result.topic = topic;
  result.metrics.pearson = pearson;
  return result;
}

void expect_row(const Estimate& actual, const Row& row) {
  SCOPED_TRACE(row.place);
  EXPECT_EQ(actual.n, std::stoi(row.text("n")));
  EXPECT_TRUE(near(actual.mean, row.number("mean"), 1e-14));
  EXPECT_TRUE(near(actual.stderr_, row.number("stderr"), 1e-14));
  EXPECT_TRUE(near(actual.ci_low, row.number("ci_low"), 1e-12));
  EXPECT_TRUE(near(actual.ci_high, row.number("ci_high"), 1e-12));
}

TEST(Summary, TableOfScipy) {
  std::map<int, std::vector<Row>> cases;
  const std::vector<Row> table = read_table("summary");
  ASSERT_GE(table.size(), 200U);
  for (const Row& row : table) cases[std::stoi(row.text("case"))].push_back(row);
  ASSERT_GE(cases.size(), 40U);
  for (const auto& [number, rows] : cases) {
    std::vector<QuestionResult> questions;
    for (const Row& row : rows) {
      for (const double value : row.numbers("values")) questions.push_back(question(row.text("row"), value));
      // One question without a value, so that a topic exists even where it has no other.
      if (row.text("row").starts_with("topic")) questions.push_back(question(row.text("row"), std::nullopt));
    }
    const Summary summary = summarize(questions, {.draws = 0});
    ASSERT_EQ(summary.topics.size() + 2, rows.size());
    for (size_t i = 0; i < summary.topics.size(); ++i) {
      EXPECT_EQ(summary.topics[i].topic, rows[i].text("row"));
      EXPECT_EQ(summary.topics[i].undefined, 1);
      EXPECT_EQ(summary.topics[i].metrics.pearson.undefined, 1);
      expect_row(summary.topics[i].metrics.pearson, rows[i]);
    }
    expect_row(summary.micro.pearson, rows[rows.size() - 2]);
    expect_row(summary.macro.pearson, rows.back());
    EXPECT_EQ(summary.questions, static_cast<int64_t>(questions.size()));
    EXPECT_EQ(summary.undefined, static_cast<int64_t>(summary.topics.size()));
  }
}

TEST(Summary, OfNothing) {
  const Summary summary = summarize(std::vector<QuestionResult>{});
  EXPECT_TRUE(summary.topics.empty());
  EXPECT_EQ(summary.questions, 0);
  EXPECT_FALSE(summary.micro.pearson.mean);
  EXPECT_FALSE(summary.macro.pearson.mean);
}

TEST(Summary, TopicsByNameAndEachMetricFromItsOwn) {
  std::vector<QuestionResult> questions = {question("unix", 0.5), question("cpp", 0.25)};
  questions[0].metrics.spearman = 0.1;
  questions[0].metrics.kendall = 0.2;
  questions[0].metrics.pairwise_accuracy = 0.7;
  const Summary summary = summarize(questions);
  ASSERT_EQ(summary.topics.size(), 2U);
  EXPECT_EQ(summary.topics[0].topic, "cpp");
  EXPECT_EQ(summary.topics[1].topic, "unix");
  EXPECT_EQ(summary.topics[1].metrics.spearman.mean, 0.1);
  EXPECT_EQ(summary.micro.kendall.mean, 0.2);
  EXPECT_EQ(summary.macro.pairwise_accuracy.mean, 0.7);
  EXPECT_EQ(summary.macro.pairwise_accuracy.n, 1);
  EXPECT_EQ(summary.macro.pairwise_accuracy.undefined, 1);
  EXPECT_EQ(summary.macro.pearson.mean, 0.375);
}

TEST(Summary, UndefinedAsZero) {
  const std::vector<QuestionResult> questions = {question("a", 0.5), question("a", std::nullopt)};
  const Summary summary = summarize(questions, {.undefined = UndefinedPolicy::kZero});
  EXPECT_EQ(summary.micro.pearson.n, 2);
  EXPECT_EQ(summary.micro.pearson.undefined, 1);
  EXPECT_EQ(summary.micro.pearson.mean, 0.25);
  EXPECT_EQ(summary.micro.pairwise_accuracy.mean, 0.5);
  EXPECT_EQ(summary.topics[0].undefined, 1);
}

// Questions whose topic means are the published ones: the means over all of them are the published micro averages, and
// errors are those of the reference's own formulas.
TEST(Summary, PublishedMeans) {
  const std::map<std::string, Values> published = {
      {"Pythia-410M",
       {.0860, .1351, .0646, .1193, .1055, .1044, .1201, .1648, .1405, .1118, .0778, .0769, .1100, .0967}},
      {"Vicuna-7B",
       {.1310, .1657, .1043, .1468, .1430, .1670, .1571, .1743, .1257, .1114, .1402, .0962, .1629, .1289}}};
  const std::map<std::string, double> micro = {{"Pythia-410M", .1081}, {"Vicuna-7B", .1396}};
  for (const auto& [model, topics] : published) {
    std::vector<QuestionResult> questions;
    for (size_t topic = 0; topic < topics.size(); ++topic) {
      for (int i = 0; i < 500; ++i) {
        questions.push_back(question("t" + std::to_string(topic + 10), topics[topic] + (i % 2 ? 0.4 : -0.4)));
      }
    }
    const Summary summary = summarize(questions, {.draws = 0});
    EXPECT_NEAR(*summary.micro.pearson.mean, micro.at(model), 5e-5) << model;
    EXPECT_NEAR(*summary.macro.pearson.mean, micro.at(model), 5e-5) << model;
    for (size_t topic = 0; topic < topics.size(); ++topic) {
      const Estimate& estimate = summary.topics[topic].metrics.pearson;
      EXPECT_NEAR(*estimate.mean, topics[topic], 1e-12);
      // sample_stddev(arr) / math.sqrt(len(arr)), with sum((x - mu)^2) / (len - 1) below the root
      EXPECT_NEAR(*estimate.stderr_, std::sqrt(500 * 0.16 / 499) / std::sqrt(500), 1e-12);
    }
  }
}

TEST(Summary, BootstrapOfMicroMeans) {
  std::vector<QuestionResult> questions;
  for (int i = 0; i < 60; ++i) questions.push_back(question(i % 2 ? "a" : "b", 0.3 + 0.01 * (i % 7)));
  const Summary summary = summarize(questions, {.draws = 500, .seed = 7, .threads = 1});
  const Estimate& value = summary.micro.pearson;
  ASSERT_TRUE(value.bootstrap_low && value.bootstrap_high);
  EXPECT_LT(*value.bootstrap_low, *value.mean);
  EXPECT_GT(*value.bootstrap_high, *value.mean);
  EXPECT_NEAR(*value.bootstrap_low, *value.ci_low, 0.2 * (*value.mean - *value.ci_low));
  EXPECT_FALSE(summary.macro.pearson.bootstrap_low);
  EXPECT_FALSE(summary.micro.ndcg.bootstrap_low);
  EXPECT_EQ(summary.draws, 500);
  EXPECT_EQ(summary.seed, 7U);
  EXPECT_FALSE(summarize(questions, {.draws = 0}).micro.pearson.bootstrap_low);
}

// Votes of n answers, as scored by their order.
QuestionResult answered(const std::string& topic, const Values& votes, const Values& scores) {
  QuestionResult result;
  result.topic = topic;
  for (size_t i = 0; i < votes.size(); ++i) {
    AnswerResult answer;
    answer.votes = votes[i];
    answer.score = scores[i];
    answer.n_chars = 100 + 40 * static_cast<int64_t>(i * i % 7);
    result.answers.push_back(answer);
  }
  result.metrics = question_metrics(result.answers);
  return result;
}

TEST(Summary, ChanceOfEachMetric) {
  const std::vector<QuestionResult> questions = {answered("a", {4, 3, 2, 1}, {1, 2, 3, 4}),
                                                 answered("a", {2, 2, 1, 0}, {4, 3, 1, 2}),
                                                 answered("b", {1, 0}, {1, 2}), answered("b", {1, 1}, {1, 2})};
  const Summary summary = summarize(questions, {.draws = 0});
  EXPECT_EQ(summary.micro.pearson.chance, 0);
  EXPECT_EQ(summary.micro.pairwise_accuracy.chance, 0.5);
  EXPECT_NEAR(*summary.micro.top_one.chance, (0.25 + 0.5 + 0.5) / 3, 1e-15);
  EXPECT_NEAR(*summary.macro.top_one.chance, (0.375 + 0.5) / 2, 1e-15);
  EXPECT_EQ(summary.micro.top_one.undefined, 1);
  // A question without a value counts as the chance of those of its topic that have one.
  const Summary zero = summarize(questions, {.undefined = UndefinedPolicy::kZero, .draws = 0});
  EXPECT_NEAR(*zero.micro.top_one.mean,
              (*summary.micro.top_one.mean * 3 + *summary.topics[1].metrics.top_one.chance) / 4, 1e-15);
  EXPECT_NEAR(*zero.micro.pairwise_accuracy.mean, (*summary.micro.pairwise_accuracy.mean * 3 + 0.5) / 4, 1e-15);
}

TEST(Summary, PartsThroughLengthAddUp) {
  std::vector<QuestionResult> questions;
  for (int i = 0; i < 12; ++i) {
    questions.push_back(answered(i % 3 ? "a" : "b", {i * 7 % 5 + 0.5, i * 3 % 4 + 1.0, 2, i * 5 % 7 + 0.25},
                                 {i * 2 % 7 + 0.0, 3, i * 4 % 5 + 0.1, i % 2 + 0.2}));
  }
  const Summary summary = summarize(questions, {.draws = 0});
  for (const LengthParts& parts : {summary.micro_length, summary.macro_length}) {
    ASSERT_TRUE(parts.through.mean && parts.beyond.stderr_);
    EXPECT_NEAR(*parts.through.mean + *parts.beyond.mean, *parts.value.mean, 1e-14);
  }
  EXPECT_NEAR(*summary.micro_length.value.mean, *summary.micro.pearson.mean, 1e-14);
  EXPECT_NEAR(*summary.macro_length.value.mean, *summary.macro.pearson.mean, 1e-14);
}

// Lengths are those that people saw, whatever was cut off for the model.
TEST(Summary, LengthsArePeoples) {
  QuestionResult whole = answered("a", {4, 3, 1, 0}, {3, 2, 2, 1}), cut = whole;
  for (AnswerResult& answer : cut.answers) {
    answer.n_cut_chars = static_cast<int>(answer.n_chars) - 10;
    answer.n_chars = 10;
  }
  cut.metrics = question_metrics(cut.answers);
  EXPECT_EQ(cut.metrics.length_only, whole.metrics.length_only);
}

// Five answers of which all, or none, were right tell something; five equal correlations tell nothing of their spread.
TEST(Summary, ExactIntervalsAndNone) {
  const Values right(5, 1.0), equal(5, 0.3);
  const Estimate exact = mean_estimate(right, Interval{0, 1});
  EXPECT_NEAR(*exact.ci_low, 0.4781762, 1e-7);  // scipy.stats.binomtest(5, 5).proportion_ci()
  EXPECT_EQ(exact.ci_high, 1);
  EXPECT_NEAR(*mean_estimate(Values{1, 0, 0, 1, 0, 0, 0, 0}, Interval{0, 1}).ci_high, 0.6508558, 1e-7);
  EXPECT_FALSE(mean_estimate(equal, Interval{-1, 1}).ci_low);
  EXPECT_TRUE(mean_estimate(equal, Interval{-1, 1}).mean);
}

TEST(Summary, MomentsUnderHugeOffsets) {
  for (const double offset : {0.0, 1e9, 1e15, -1e15}) {
    const Moments m = moments(Values{offset + 1, offset + 2, offset + 6});
    EXPECT_EQ(m.mean, offset + 3);
    EXPECT_EQ(m.variance, 7) << offset;
  }
  EXPECT_EQ(moments({}).n, 0);
  EXPECT_EQ(moments(Values{4}).variance, 0);
}

}  // namespace
}  // namespace hre
