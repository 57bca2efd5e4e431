#include "analysis/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "analysis/confounds.h"
#include "analysis/dataset_difference.h"
#include "analysis/power.h"
#include "analysis/study.h"
#include "analysis/test_runs.h"

namespace hre {
namespace {

using Runs = std::vector<Run>;
using testing::ElementsAre;
using testing_runs::run_of;

CompareOptions quick() {
  CompareOptions options;
  options.statistics.draws = 500;
  options.statistics.permutations = 499;
  options.statistics.threads = 1;
  return options;
}

Runs three_runs() {
  std::vector<std::vector<double>> a(2), b(2), c(2);
  for (int i = 0; i < 40; ++i) {
    const double value = (i * 7 % 11 - 5) / 20.0;
    a[i % 2].push_back(value + 0.3);
    b[i % 2].push_back(value + (i % 3 ? 0.31 : 0.28));
    c[i % 2].push_back(value);
  }
  return {run_of("A", a), run_of("B", b), run_of("C", c)};
}

TEST(RunComparison, TwoRuns) {
  Runs runs = three_runs();
  runs.pop_back();
  const auto comparison = compare_runs(runs, quick());
  ASSERT_TRUE(comparison);
  EXPECT_EQ(comparison->shared, 40);
  EXPECT_THAT(comparison->sizes, ElementsAre(20, 20));
  ASSERT_EQ(comparison->pairs.size(), 1U);
  EXPECT_EQ(comparison->pairs[0].topics.size(), 2U);
  EXPECT_FALSE(comparison->pairs[0].topics[0].bootstrap) << "they hardly differ, and so few may hide losses";
  EXPECT_EQ(comparison->pairs[0].comparison.p, comparison->pairs[0].comparison.p_holm);
  EXPECT_EQ(comparison->moved.size(), 10U);
  EXPECT_NEAR(comparison->moved[0].a - comparison->moved[0].b, 0.02, 1e-12);
  EXPECT_EQ(comparison->runs[0].summary.micro.pearson.n, 40);
}

TEST(RunComparison, ThreeRuns) {
  const Runs runs = three_runs();
  const auto comparison = compare_runs(runs, quick());
  ASSERT_TRUE(comparison);
  EXPECT_EQ(comparison->pairs.size(), 3U);
  EXPECT_FALSE(comparison->pairs[0].topics[0].bootstrap) << "too many to draw for";
  EXPECT_EQ(&comparison->pair_of(1, 2), &comparison->pairs[2]);
  EXPECT_TRUE(comparison->told_apart(comparison->pairs[1].comparison)) << "so far, whatever losses may be hidden";
  EXPECT_EQ(comparison->groups.size(), comparison->told_apart(comparison->pairs[0].comparison) ? 3U : 2U);
  EXPECT_EQ(comparison->runs[2].rank.rank, 3);
}

TEST(RunComparison, NotSettledWhereHiddenLossesCouldOutweighTheDifference) {
  Runs runs = three_runs();
  runs.erase(runs.begin() + 1);
  for (QuestionResult& question : runs[1].questions) *question.metrics.pearson += 0.2;  // 0.1 below the other
  const auto comparison = compare_runs(runs, quick());
  ASSERT_TRUE(comparison);
  EXPECT_TRUE(comparison->not_settled(comparison->pairs[0].comparison));
  EXPECT_FALSE(comparison->told_apart(comparison->pairs[0].comparison));
  EXPECT_EQ(comparison->groups.size(), 1U);
  EXPECT_EQ(comparison->runs[0].rank.interval, (Interval{1, 2}));
}

/// Of bits per byte the lower ones are better: in wins, ranks, groups and gates, and not in differences.
TEST(RunComparison, LowerIsBetter) {
  Runs runs;
  for (const double bits : {0.8, 1.0, 1.2}) {
    hre::Run& run = runs.emplace_back(run_of("m" + std::to_string(bits), {std::vector<double>(240, 0.1)}));
    for (size_t i = 0; i < run.questions.size(); ++i) {
      run.questions[i].metrics.bits_per_byte =
          bits + 0.1 * static_cast<double>(i * 7 % 11) + 0.001 * static_cast<double>(i % 3);
      run.questions[i].metrics.bits_gap = 0.1 * static_cast<double>(i % 5);
    }
    for (size_t i = 0; i < 60; ++i) *run.questions[i].metrics.bits_per_byte += 0.01 * bits * static_cast<double>(i % 7);
  }
  std::swap(runs[0], runs[1]);  // 1.0, 0.8, 1.2
  CompareOptions options = quick();
  options.metric = *find_metric("bits_per_byte");
  options.margin = 0.05;
  const auto comparison = compare_runs(runs, options);
  ASSERT_TRUE(comparison) << comparison.error().text();
  const PairedComparison& pair = comparison->pairs[0].comparison;
  EXPECT_NEAR(*pair.difference.mean, 0.2, 0.01);
  EXPECT_EQ(pair.won, 0);
  EXPECT_EQ(pair.lost, 240);
  EXPECT_EQ(comparison->runs[0].rank.rank, 2);
  EXPECT_EQ(comparison->runs[1].rank.rank, 1);
  EXPECT_EQ(comparison->groups, (std::vector<std::vector<size_t>>{{1}, {0}, {2}}));
  EXPECT_EQ(comparison->gates[0].verdict, GateVerdict::kFail);
  EXPECT_EQ(comparison->gates[0].difference, pair.difference.mean);
  EXPECT_EQ(comparison->gates[1].verdict, GateVerdict::kPass);

  ASSERT_EQ(comparison->bits.size(), 2U) << "best and worst have no values here";
  EXPECT_EQ(comparison->bits[0].metric, options.metric);
  EXPECT_EQ(comparison->bits[0].pairs[0].difference.mean, pair.difference.mean);
  EXPECT_EQ(comparison->bits[0].pairs[0].bootstrap, pair.bootstrap);
  EXPECT_EQ(comparison->bits[0].runs[1].mean, pair.mean_b);
  EXPECT_EQ(comparison->bits[1].pairs[0].won, 0);
  EXPECT_EQ(comparison->bits[1].pairs[0].tied, 240);

  const hre::Run* two[] = {&runs[1], &runs[0]};
  PowerOptions power;
  power.compare = options;
  EXPECT_GT(run_power(two, power)->detection.back().rate, 0.99) << "the lower run is found better";
  options.until_decided = true;
  runs.pop_back();
  EXPECT_EQ(compare_runs(runs, options).error().where, "‹until›");
}

TEST(RunComparison, OfNothing) {
  Runs runs = three_runs();
  EXPECT_FALSE(compare_runs(std::span(runs).first(1), quick()));
  for (QuestionResult& question : runs[1].questions) question.id += "x";
  EXPECT_EQ(compare_runs(runs, quick()).error().message, "the runs share no question");
  EXPECT_EQ(compare_runs(runs, quick()).error().code, ErrorCode::kInput);
}

TEST(RunComparison, RefusesWhatWasNotMadeAlike) {
  Runs runs = three_runs();
  runs[1].options.prompt = "{question}{answer}";
  EXPECT_EQ(compare_runs(runs, quick()).error().where, "‹allow_different›");
  CompareOptions options = quick();
  options.allow_different = true;
  const auto comparison = compare_runs(runs, options);
  ASSERT_TRUE(comparison);
  EXPECT_EQ(comparison->differences.at(0).what, "prompt");
}

TEST(RunComparison, UndefinedAsTheRunsWereEvaluated) {
  Runs runs = three_runs();
  for (hre::Run& run : runs) {
    run.options.undefined = UndefinedPolicy::kZero;
    run.questions[3].metrics.pearson.reset();
  }
  const auto zero = compare_runs(runs, quick());
  ASSERT_TRUE(zero);
  EXPECT_EQ(zero->shared, 40);
  CompareOptions options = quick();
  options.undefined = UndefinedPolicy::kLeaveOut;
  EXPECT_EQ(compare_runs(runs, options)->shared, 39);
  runs[0].options.undefined = UndefinedPolicy::kLeaveOut;
  EXPECT_EQ(compare_runs(runs, quick()).error().where, "‹allow_different›");
  EXPECT_TRUE(compare_runs(runs, options));
}

TEST(RunComparison, NoDecisionAboutTopicsOfEqualWeight) {
  Runs runs = three_runs();
  runs.pop_back();
  CompareOptions options = quick();
  options.until_decided = true;
  EXPECT_TRUE(compare_runs(runs, options)->decision);
  options.statistics.weights = Weights::kTopics;
  EXPECT_EQ(compare_runs(runs, options).error().where, "‹until›");
}

TEST(RunComparison, NotesOfEarlyStopsAndInventedVotes) {
  Runs runs = three_runs();
  for (hre::Run& run : runs) run.dataset_source = "sample";
  runs[1].early_stop = EarlyStop{"decided", "pearson", 1, true, 0.1, 0.2};
  const auto comparison = compare_runs(runs, quick());
  ASSERT_EQ(comparison->notes.size(), 2U);
  EXPECT_NE(comparison->notes[0].find("invented"), std::string::npos);
  EXPECT_EQ(comparison->notes[1].substr(0, 3), "B: ");
}

TEST(RunComparison, ClusteredErrorsOnRequest) {
  Runs runs = three_runs();
  Clusters clusters{ClusterKind::kAsker, {}};
  for (size_t i = 0; i < runs[0].questions.size(); ++i) {
    const QuestionResult& question = runs[0].questions[i];
    clusters.of[{question.topic, question.id}] = {"person " + std::to_string(i % 8)};
  }
  CompareOptions options = quick();
  options.clusters = &clusters;
  const auto alike = compare_runs(runs, options);
  ASSERT_TRUE(alike->pairs[0].clustered);
  EXPECT_TRUE(alike->pairs[0].clustered->mean.estimate.stderr_);
  EXPECT_FALSE(alike->pairs[0].clustered->mean.estimate.ci_low) << "they hardly differ, and so few may hide losses";
  for (size_t i = 0; i < runs[1].questions.size(); i += 2) *runs[1].questions[i].metrics.pearson *= -1;
  const auto comparison = compare_runs(runs, options);
  EXPECT_EQ(comparison->pairs[0].clustered->mean.clusters, 8);
  EXPECT_TRUE(comparison->pairs[0].clustered->mean.estimate.ci_low);
}

TEST(RunConfounds, CeilingOfCountedVotesOrOfTheirDifferences) {
  const hre::Run run = run_of("A", {{0.5, 0.2, 0.1}});
  const RunConfounds alone = run_confounds(run, {});
  ASSERT_TRUE(alone.ceiling && alone.ceiling->share());
  EXPECT_FALSE(alone.ceiling->counted);
  EXPECT_EQ(alone.ceiling->ceiling.questions, 3);
  EXPECT_NEAR(*alone.ceiling->share(), 0.8 / 3 / *alone.ceiling->ceiling.mean, 1e-12);
  std::vector<PostingFacts> facts(3);
  facts[1].votes = {{5, 3, 2, 9}, {1, 0, 0, 2}};
  EXPECT_FALSE(run_confounds(run, facts).ceiling->counted) << "of few questions only";
  facts[0].votes = facts[2].votes = facts[1].votes;
  const RunConfounds counted = run_confounds(run, facts);
  EXPECT_TRUE(counted.ceiling->counted);
  EXPECT_EQ(counted.ceiling->ceiling.questions, 3);
  EXPECT_NE(*counted.ceiling->ceiling.mean, *alone.ceiling->ceiling.mean);
  hre::Run shares = run;
  shares.questions[0].answers[0].votes = 0.5;
  EXPECT_FALSE(run_confounds(shares, {}).ceiling) << "votes that are no counts";
}

// The smallest and largest quotient of a value and a ceiling within their intervals.
TEST(RunConfounds, ShareOfTheCeilingFromEndToEnd) {
  for (const auto& [low, high] : {std::pair{0.1, 0.3}, {-0.2, 0.1}, {-0.3, -0.1}}) {
    RunCeiling ceiling;
    ceiling.ceiling.interval = Interval{0.6, 0.9};
    ceiling.value.ci_low = low;
    ceiling.value.ci_high = high;
    double least = 9, most = -9;
    for (int i = 0; i <= 20; ++i) {
      for (int k = 0; k <= 20; ++k) {
        const double quotient = (low + (high - low) * i / 20) / (0.6 + 0.3 * k / 20);
        least = std::min(least, quotient);
        most = std::max(most, quotient);
      }
    }
    ASSERT_TRUE(ceiling.share_interval());
    EXPECT_NEAR(ceiling.share_interval()->low, least, 1e-12);
    EXPECT_NEAR(ceiling.share_interval()->high, most, 1e-12);
  }
  RunCeiling unknown;
  unknown.ceiling.interval = Interval{0, 0.9};
  unknown.value.ci_low = unknown.value.ci_high = 0.1;
  EXPECT_FALSE(unknown.share_interval()) << "of a ceiling that may be 0";
}

// Topics that differ: the plain error is too small. Each question alone in its cluster: it is the plain error.
TEST(Clusters, OfARunsValue) {
  std::vector<std::vector<double>> topics;
  for (int t = 0; t < 30; ++t) topics.push_back({t % 5 * 0.1, t % 5 * 0.1 + 0.02, t % 5 * 0.1 - 0.01});
  const hre::Run run = run_of("A", topics);
  const Summary summary = summarize(run.questions, {.draws = 0});
  const auto [by_topic, macro] = clustered_value(run, {ClusterKind::kTopic, {}});
  EXPECT_EQ(by_topic.mean.clusters, 30);
  EXPECT_NEAR(*by_topic.mean.estimate.mean, *summary.micro.pearson.mean, 1e-12);
  EXPECT_GT(*by_topic.mean.estimate.stderr_, 1.5 * *summary.micro.pearson.stderr_);
  EXPECT_TRUE(by_topic.mean.estimate.bootstrap_low);
  EXPECT_NEAR(*macro.mean.estimate.stderr_, *by_topic.mean.estimate.stderr_, 1e-12) << "topics are of one size";
  EXPECT_NEAR(*macro.mean.estimate.mean, *summary.macro.pearson.mean, 1e-12);
  const ClusteredEstimate alone = clustered_value(run, {ClusterKind::kAsker, {}}).micro;
  EXPECT_NEAR(*alone.mean.estimate.stderr_, *summary.micro.pearson.stderr_, 1e-12);
}

TEST(RunPower, NeedsFewerQuestionsForKin) {
  const Runs runs = three_runs();
  PowerOptions options;
  options.compare = quick();
  options.difference = 0.05;
  const auto one = run_power(pointers_to(std::span(runs).first(1)), options);
  ASSERT_TRUE(one);
  ASSERT_EQ(one->cases.size(), 3U);
  EXPECT_GT(*one->cases[0].needed, *one->cases[2].needed);
  EXPECT_NEAR(one->cases[1].deviation, one->cases[0].deviation / std::sqrt(2.0), 1e-12);
  const auto two = run_power(pointers_to(std::span(runs).first(2)), options);
  ASSERT_TRUE(two);
  EXPECT_GT(*two->cases[0].correlation, 0.9);
  EXPECT_LT(*two->cases[0].needed, *one->cases[2].needed);
  EXPECT_TRUE(two->detection.empty() && !two->needed_for_seen.n) << "40 questions give the effect no interval";
  EXPECT_FALSE(run_power(pointers_to(runs), options));
  const Runs tiny = {run_of("A", {{0.5}})};
  EXPECT_EQ(run_power(pointers_to(tiny), options).error().code, ErrorCode::kInput);
}

Study study_of(const Runs& runs, std::vector<StudyMember> members, std::vector<Judgement> judgements = {}) {
  StudyOptions options{quick(), {}, {.permutations = 99}};
  auto study = make_study(pointers_to(runs), std::move(members), std::move(judgements), options);
  EXPECT_TRUE(study) << study.error().text();
  return study ? std::move(*study) : Study();
}

TEST(Study, SeparatesStagesWithinSizes) {
  const Runs three = three_runs();
  const Runs runs = {three[2], three[0], three[2], three[1]};
  const Study study = study_of(runs,
                               {{"C", "F", 1e9, Stage::kPretrained},
                                {"A", "F", 1e9, Stage::kTuned},
                                {"C2", "F", 2e9, Stage::kPretrained},
                                {"B", "F", 2e9, Stage::kTuned}},
                               {{"Elo", {1000, 1100, std::nullopt, 1200}}});
  ASSERT_EQ(study.separations.size(), 1U);
  const Separation& separation = study.separations[0];
  ASSERT_EQ(separation.pairs.size(), 2U);
  EXPECT_EQ(separation.pairs[0].later, 1U);
  EXPECT_NEAR(*separation.pairs[0].comparison.difference.mean, 0.3, 1e-12);
  EXPECT_NEAR(*separation.pooled->difference.mean, (0.3 + *separation.pairs[1].comparison.difference.mean) / 2, 1e-12);
  EXPECT_EQ(separation.auc->area, 1);
  EXPECT_NEAR(separation.auc->p.p, 1.0 / 3, 1e-12);  // 2 of the 6 splits of four runs
  EXPECT_TRUE(separation.detection.empty()) << "40 questions give the effect no interval";
  ASSERT_TRUE(study.agreements[0].line);
  EXPECT_EQ(study.agreements[0].line->n, 3);
  EXPECT_FALSE(study.agreements[1].line);
  EXPECT_EQ(study.agreements.size(), 3U);
  EXPECT_EQ(study.agreements[0].agreement.n, 3);
  EXPECT_THAT(study.columns, ElementsAre("pearson", "Elo"));
  EXPECT_EQ(study.matrices.size(), 3U);
  EXPECT_EQ(study.topic_values[0].size(), 2U);
}

TEST(Study, WithoutPairs) {
  const Runs runs = three_runs();
  const Study study =
      study_of({runs[0], runs[2]}, {{"A", "F", 1e9, Stage::kTuned}, {"C", "G", 1e9, Stage::kPreference}});
  ASSERT_EQ(study.separations.size(), 1U);
  EXPECT_TRUE(study.separations[0].pairs.empty());
  EXPECT_FALSE(study.separations[0].pooled);
  EXPECT_EQ(study.separations[0].auc->area, 0);
  EXPECT_TRUE(study.agreements.empty());
  const StudyOptions options{quick(), {}, {}};
  const auto twice = make_study(pointers_to(std::span(runs).first(2)),
                                {{"A", "F", 1e9, Stage::kTuned}, {"B", "F", 1e9, Stage::kTuned}}, {}, options);
  EXPECT_EQ(twice.error().code, ErrorCode::kInput);
}

TEST(Study, SizesAreTheModelsOwnUnlessGiven) {
  Runs runs = three_runs();
  runs[0].model.parameters = 7000;
  const std::vector<StudyMember> members = {{"A", "F", 0, Stage::kTuned}, {"B", "F", 1e9, Stage::kPretrained}};
  EXPECT_EQ(study_of({runs[0], runs[1]}, members).members[0].size, 7000);
  runs[0].model.parameters = 0;
  const auto unknown = make_study(pointers_to(std::span(runs).first(2)), members, {}, {quick(), {}, {}});
  EXPECT_EQ(unknown.error().where, "A");
}

// Against scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval().
TEST(DatasetDifference, OfIndependentQuestionsByWelch) {
  std::vector<double> a, b;
  for (int i = 0; i < 24; ++i) a.push_back(0.05 * (i % 12) - 0.2 + (i < 12 ? 0 : 0.01));
  for (int i = 0; i < 18; ++i) b.push_back(0.1 * (i % 5) - 0.1);
  hre::Run newer = run_of("A", {a, b, {0.5}}), older = run_of("A", {b, a});
  older.dataset_fingerprint = "f00d";
  const auto difference = dataset_difference(newer, older);
  ASSERT_TRUE(difference) << difference.error().text();
  ASSERT_EQ(difference->topics.size(), 2U) << "one topic is in the newer set alone";
  const Estimate& one = difference->topics[0].difference;
  EXPECT_NEAR(*one.mean, -0.003333333333333341, 1e-12);
  ASSERT_TRUE(one.ci_low);
  EXPECT_NEAR(*one.ci_low, -0.10285614958399872, 1e-12);
  EXPECT_NEAR(*one.ci_high, 0.09618948291733204, 1e-12);
  EXPECT_EQ(one.n, 42);
  EXPECT_NEAR(*difference->mean.mean, 0, 1e-12) << "one topic's difference is the other's, the other way round";
  EXPECT_NEAR(*difference->mean.stderr_, *one.stderr_ / std::sqrt(2), 1e-12);

  EXPECT_EQ(difference->other_topics, 1);

  hre::Run other = older;
  other.model.fingerprint = "other";
  EXPECT_FALSE(dataset_difference(newer, other));
  other = older;
  other.options.prompt = "{question}{answer}";
  EXPECT_FALSE(dataset_difference(newer, other));
  EXPECT_FALSE(dataset_difference(newer, newer));
}

TEST(RunConfounds, DelayAndPositionWhereDatesAreKnown) {
  hre::Run run = run_of("A", {{0.5, 0.5, 0.5}});
  for (QuestionResult& question : run.questions) {
    for (AnswerResult& answer : question.answers) answer.token_log_probs = {-1, -3, -2, -4, -5};
  }
  EXPECT_EQ(run_confounds(run, {}).covariates.size(), 1U);
  const std::vector<PostingFacts> facts = {{14610, {14610, 14611, 14612, 14626}, {}},
                                           {14611, {14612, 14613, 14614, std::nullopt}, {}},
                                           {18000, {18008, 18002, 18001, 17999}, {}}};
  const RunConfounds confounds = run_confounds(run, facts);
  ASSERT_EQ(confounds.covariates.size(), 3U);
  EXPECT_EQ(confounds.covariates[0].questions, 3);
  EXPECT_EQ(confounds.covariates[1].questions, 2);
  EXPECT_EQ(confounds.covariates[1].name, "log delay");
  // numpy.corrcoef of votes and log1p of hours
  EXPECT_NEAR(*confounds.covariates[1].votes.mean, (0.8896752200804409 - 0.9949184621027319) / 2, 1e-12);
  EXPECT_NEAR(*confounds.covariates[2].votes.mean, 0, 1e-12);
  // Votes 1, 2, 3, 7 and scores -1, -2, -1.5, -0.5: posted in this order, 4 of 6 pairs are in it; posted in reverse, 4
  // of the 6 that the earlier wins. The second question lacks a date.
  EXPECT_EQ(confounds.later_wins.n, 1);
  EXPECT_NEAR(*confounds.later_wins.mean, 4.0 / 6, 1e-12);
  EXPECT_EQ(confounds.earlier_wins.n, 1);
  EXPECT_NEAR(*confounds.earlier_wins.mean, 4.0 / 6, 1e-12);
  EXPECT_EQ(run_confounds(run, {}).later_wins.n, 0);
  ASSERT_EQ(confounds.years.size(), 2U);
  EXPECT_EQ(confounds.years[0].year, 2010);
  EXPECT_EQ(confounds.years[0].min_k.n, 2);
  EXPECT_EQ(confounds.years[0].min_k.mean, -5);
  EXPECT_EQ(confounds.years[1].year, 2019);
}

}  // namespace
}  // namespace hre
