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

/// A run of two topics, three questions each.
Run run_of(const std::string& model, double shift) {
  Run run;
  run.model.name = model;
  for (const char* topic : {"english", "languages_sciences"}) {
    for (int i = 0; i < 3; ++i) {
      QuestionResult question{std::string(topic) + "/" + std::to_string(i), topic, {}, {}, ""};
      question.metrics.pearson = shift + 0.1 * i;
      run.questions.push_back(question);
    }
  }
  return run;
}

std::string table_of(const std::vector<std::string>& names, int width) {
  std::vector<Run> runs;
  std::vector<Summary> summaries;
  for (const std::string& name : names) {
    runs.push_back(run_of(name, 0.1 * static_cast<double>(runs.size())));
    summaries.push_back(summarize(runs.back().questions, {}));
  }
  return run_table(runs, summaries, width);
}

int widest_line(const std::string& text) {
  std::istringstream lines(text);
  int widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, display_width(line));
  return widest;
}

const std::vector<std::string> kThree = {"TinyStories-656K-Q8_0", "hre-base-q8_0", "hre-tuned-q8_0"};

TEST(RunTable, SeveralRunsStandSideBySide) {
  const std::string table = table_of(kThree, 0);
  EXPECT_THAT(table.substr(0, table.find('\n')), testing::AllOf(HasSubstr(kThree[0]), HasSubstr(kThree[2])));
  EXPECT_GT(widest_line(table), 80);
  EXPECT_EQ(table, table_of(kThree, 1000));
}

TEST(RunTable, SeveralRunsFitIntoATerminal) {
  const std::string table = table_of(kThree, 80);
  EXPECT_LE(widest_line(table), 80);
  EXPECT_THAT(table.substr(0, table.find('\n')), Not(HasSubstr(kThree[0])));
  // Each topic's runs under each other, with all that the wide table says of them.
  EXPECT_THAT(table, testing::ContainsRegex("english +3 questions, 0 undefined\n"
                                            "  TinyStories-656K-Q8_0 +0\\.1000 ± 0\\.0577\n"
                                            "  hre-base-q8_0 +0\\.2000 ± 0\\.0577\n"
                                            "  hre-tuned-q8_0 +0\\.3000 ± 0\\.0577\n"
                                            "languages_sciences"));
  EXPECT_THAT(table, testing::ContainsRegex(
                         "─\nmacro average +6 questions, 0 undefined\n  TinyStories-656K-Q8_0 +0\\.1000 ± 0\\.0408\n"));
}

TEST(RunTable, OneRunKeepsItsTable) {
  EXPECT_LE(widest_line(table_of({"hre-base-q8_0"}, 80)), 80);
  EXPECT_THAT(table_of({"hre-base-q8_0"}, 80), testing::ContainsRegex("english +3 +0 +0\\.1000 ± 0\\.0577"));
}

}  // namespace
}  // namespace hre
