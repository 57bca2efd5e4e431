#include "report/run_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "core/text.h"
#include "stats/estimate.h"

namespace hre {
namespace {

using testing::HasSubstr;
using testing::Not;

/// A run of two topics with so many questions each.
Run run_of(const std::string& model, double shift, int questions) {
  Run run;
  run.model.name = model;
  for (const char* topic : {"english", "languages_sciences"}) {
    for (int i = 0; i < questions; ++i) {
      QuestionResult question{std::string(topic) + "/" + std::to_string(i), topic, {}, {}, ""};
      question.metrics.pearson = shift + 0.1 * i;
      run.questions.push_back(question);
    }
  }
  return run;
}

struct Runs {
  std::vector<Run> runs;
  std::vector<Summary> summaries;
};

Runs runs_of(const std::vector<std::string>& names, int questions = 3) {
  Runs made;
  for (const std::string& name : names) {
    made.runs.push_back(run_of(name, 0.1 * static_cast<double>(made.runs.size()), questions));
    made.summaries.push_back(summarize(made.runs.back().questions, {}));
  }
  return made;
}

int widest_line(const std::string& text) {
  std::istringstream lines(text);
  int widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, display_width(line));
  return widest;
}

const std::vector<std::string> kThree = {"TinyStories-656K-Q8_0", "hre-base-q8_0", "hre-tuned-q8_0"};

TEST(SummaryTable, OneRunByTopic) {
  const auto [runs, summaries] = runs_of({"model"}, 30);
  const std::string table = summary_table(runs, summaries, 80);
  EXPECT_LE(widest_line(table), 80);
  EXPECT_THAT(table, testing::ContainsRegex("english +30 +1\\.45 ± 0\\.33"));
  EXPECT_THAT(table, testing::ContainsRegex("─\nmacro average +60 +1\\.45 ± 0\\.23"));
  EXPECT_THAT(table, testing::ContainsRegex("of log votes +60"));
  EXPECT_THAT(table, testing::ContainsRegex("length alone +60"));
  EXPECT_THAT(table, testing::ContainsRegex("chance +0 +50 %"));
  EXPECT_THAT(table, Not(HasSubstr("there is none")));
  const auto few = runs_of({"model"});
  EXPECT_THAT(summary_table(few.runs, few.summaries, 80), HasSubstr("below 30 questions there is none"));
}

TEST(SummaryTable, ALinePerRun) {
  auto [runs, summaries] = runs_of(kThree, 30);
  runs[1].planned = 100;
  for (const int width : {40, 60, 80, 120}) {
    const std::string table = summary_table(runs, summaries, width);
    EXPECT_LE(widest_line(table), width);
    for (const std::string& name : kThree) EXPECT_THAT(table, HasSubstr(name)) << width;
  }
  EXPECT_THAT(summary_table(runs, summaries, 120),
              testing::ContainsRegex("hre-base-q8_0 +1\\.55 ± 0\\.23.* 60 of 100"));
}

TEST(MetricsTables, RunsStandSideBySide) {
  const auto [runs, summaries] = runs_of(kThree);
  const std::string table = metrics_tables(runs, summaries, 0);
  EXPECT_THAT(table.substr(0, table.find('\n')), testing::AllOf(HasSubstr(kThree[0]), HasSubstr(kThree[2])));
  EXPECT_THAT(table, testing::ContainsRegex("languages_sciences +3 +0 +0\\.10 +0\\.20 +0\\.30"));
  EXPECT_LE(widest_line(metrics_tables(runs, summaries, 60)), 60);
}

TEST(MetricsTables, EachColumnCountsItsOwnQuestionsWithoutAValue) {
  auto [runs, summaries] = runs_of({"a", "b"});
  for (QuestionResult& question : runs[1].questions) {
    question.metrics.pairwise_accuracy = 0.5;
    if (question.topic == "english" && question.id != "english/0") question.metrics.pearson.reset();
  }
  summaries[1] = summarize(runs[1].questions, {});
  const std::vector<const Metric*> metrics = {*find_metric("pearson"), *find_metric("pairwise_accuracy")};
  EXPECT_THAT(metrics_tables({runs[1]}, {summaries[1]}, 0, metrics), testing::ContainsRegex("english +3 +2/0 "));
  EXPECT_THAT(metrics_tables(runs, summaries, 0, {metrics.front()}), testing::ContainsRegex("english +3 +0/2 "));
}

TEST(MetricsTables, AllMetricsOfOneRunFit) {
  const auto [runs, summaries] = runs_of({"model"});
  std::vector<const Metric*> metrics;
  for (const Metric& metric : all_metrics()) metrics.push_back(&metric);
  EXPECT_LE(widest_line(metrics_tables(runs, summaries, 80, metrics)), 80);
}

TEST(LengthSentence, IsASum) {
  LengthParts parts;
  parts.value.mean = 0.3947;
  parts.value.stderr_ = 0.0436;
  parts.through.mean = 0.4201;
  parts.beyond.mean = -0.0254;
  EXPECT_EQ(length_sentence(parts), "0.395 = 0.420 through the answers' length − 0.025 beyond it\n");
  EXPECT_EQ(length_sentence({}), "");
}

}  // namespace
}  // namespace hre
