#include "stats/agreement.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "core/text.h"
#include "stats/test_table.h"

namespace hre {
namespace {

using testing_tables::near;
using testing_tables::read_table;
using testing_tables::split;
using Values = std::vector<double>;

const std::map<std::string, CorrelationKind> kKinds = {
    {"pearson", CorrelationKind::kPearson},
    {"spearman", CorrelationKind::kSpearman},
    {"kendall", CorrelationKind::kKendall},
};

TEST(Agreement, AsInScipyAndByBruteForce) {
  const auto rows = read_table("agreement");
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.place);
    const Values x = row.numbers("x");
    const Agreement result = agreement(kKinds.at(row.text("kind")), x, row.numbers("y"), {.permutations = 99});
    EXPECT_EQ(result.few, x.size() < 10);
    EXPECT_TRUE(near(result.value, row.number("value"), 1e-12));
    ASSERT_TRUE(result.p);
    EXPECT_EQ(result.p->exact(), row.number("p").has_value());
    if (row.number("p")) {
      EXPECT_TRUE(near(result.p->p, row.number("p"), 1e-12));
    }
    EXPECT_TRUE(near(result.leave_one_out->low, row.number("least"), 1e-12));
    EXPECT_TRUE(near(result.leave_one_out->high, row.number("most"), 1e-12));
    ASSERT_EQ(result.interval.has_value(), row.number("ci_low").has_value());
    if (!result.interval) continue;
    EXPECT_TRUE(near(result.interval->low, row.number("ci_low"), 1e-9));
    EXPECT_TRUE(near(result.interval->high, row.number("ci_high"), 1e-9));
  }
}

TEST(Agreement, NamesTheModelThatMakesTheResult) {
  const Values x = {0.10, 0.11, 0.09, 0.10, 0.5};
  const Values y = {1000, 990, 1010, 1005, 1400};
  const Agreement result = agreement(CorrelationKind::kPearson, x, y, {});
  EXPECT_EQ(result.most_influential, 4U);
  EXPECT_LT(result.leave_one_out->low, 0);
}

TEST(Agreement, Undefined) {
  const Agreement constant = agreement(CorrelationKind::kKendall, Values{1, 1, 1}, Values{1, 2, 3}, {});
  EXPECT_EQ(constant.n, 3);
  EXPECT_FALSE(constant.value || constant.p || constant.interval || constant.leave_one_out);
  const Agreement two = agreement(CorrelationKind::kPearson, Values{1, 2}, Values{1, 2}, {});
  EXPECT_TRUE(two.value);
  EXPECT_FALSE(two.p || two.interval);
  EXPECT_FALSE(agreement(CorrelationKind::kPearson, {}, {}, {}).value);
  EXPECT_FALSE(agreement(CorrelationKind::kPearson, Values(12, 1), Values(12, 1), {}).few);
}

TEST(Agreement, MatrixOverSharedModels) {
  const std::vector<ModelValues> columns = {{1, 2, 3, 4, std::nullopt}, {2, std::nullopt, 1, 5, 3}, {1, 1, 1, 1, 1}};
  const auto matrix = correlation_matrix(CorrelationKind::kSpearman, columns);
  EXPECT_EQ(matrix[0][0].value, 1);
  EXPECT_EQ(matrix[0][0].n, 4);
  EXPECT_EQ(matrix[0][1].n, 3);
  EXPECT_EQ(matrix[0][1].value, 0.5);
  EXPECT_EQ(matrix[1][0].value, matrix[0][1].value);
  EXPECT_FALSE(matrix[2][0].value);
  EXPECT_FALSE(matrix[2][2].value);
}

std::filesystem::path test_data() {
  const char* folder = std::getenv("HRE_TEST_DATA");
  return folder ? folder : std::string(HRE_SOURCE_DIR) + "/../shared/data";
}

// The columns of a leaderboard by name. Its cells hold no quoted commas.
std::map<std::string, ModelValues> read_leaderboard(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  const std::vector<std::string> names = split(line, ',');
  std::map<std::string, ModelValues> columns;
  while (std::getline(in, line)) {
    const auto cells = split(line, ',');
    for (size_t i = 0; i < names.size(); ++i) columns[names[i]].push_back(parse_finite_number(cells.at(i)));
  }
  return columns;
}

TEST(Agreement, WithTheArenaAsInScipy) {
  const auto rows = read_table("arena");
  ASSERT_EQ(rows.size(), 3U);
  const auto path = test_data() / "human-judgement" / rows[0].text("file");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there: set HRE_TEST_DATA";
  auto columns = read_leaderboard(path);
  const ModelValues elo = columns.at("Arena Elo rating");
  ModelValues& made_up = columns[""];
  for (size_t i = 0; i < elo.size(); ++i) made_up.emplace_back(static_cast<double>(7919 * i % 101) / 101);
  for (const auto& row : rows) {
    const std::vector<ModelValues> pair = {columns.at(row.text("column")), elo};
    for (const auto& [name, kind] : kKinds) {
      const MatrixCell cell = correlation_matrix(kind, pair)[0][1];
      EXPECT_TRUE(near(cell.value, row.number(name), 1e-12)) << row.place << ' ' << name;
      EXPECT_EQ(cell.n, static_cast<int64_t>(row.whole("n")));
    }
  }
}

}  // namespace
}  // namespace hre
