#include "data/csv.h"

#include <gtest/gtest.h>

namespace hre::data {
namespace {

using Cells = std::vector<std::string>;

TEST(Csv, ReadsCellsAsText) {
  const auto table = read_csv("\xEF\xBB\xBFModel,Elo,\"a \"\"b\"\", c\"\r\nx,1000,-\n\"y\nz\",,007\n", "t.csv");
  ASSERT_TRUE(table) << table.error().text();
  EXPECT_EQ(table->columns, (Cells{"Model", "Elo", "a \"b\", c"}));
  ASSERT_EQ(table->rows.size(), 2U);
  EXPECT_EQ(table->rows[0], (Cells{"x", "1000", "-"}));
  EXPECT_EQ(table->rows[1], (Cells{"y\nz", "", "007"}));
  EXPECT_EQ(table->column("Elo"), 1U);
  EXPECT_FALSE(table->column("elo"));
}

TEST(Csv, HeaderAlone) {
  const auto table = read_csv("a,b", "t.csv");
  ASSERT_TRUE(table) << table.error().text();
  EXPECT_EQ(table->columns, (Cells{"a", "b"}));
  EXPECT_TRUE(table->rows.empty());
}

TEST(Csv, NumbersStayTheirText) {
  const auto table = read_csv("1,2\n1.50,0x10\n1e3,true\n", "t.csv");
  ASSERT_TRUE(table) << table.error().text();
  EXPECT_EQ(table->columns, (Cells{"1", "2"}));
  EXPECT_EQ(table->rows[0], (Cells{"1.50", "0x10"}));
  EXPECT_EQ(table->rows[1], (Cells{"1e3", "true"}));
}

TEST(Csv, SaysWhatIsWrong) {
  EXPECT_EQ(read_csv("", "t.csv").error().text(), "t.csv: is empty");
  EXPECT_EQ(read_csv(" \n", "t.csv").error().text(), "t.csv: is empty");
  EXPECT_EQ(read_csv("a\xff", "t.csv").error().text(), "t.csv: byte 2 is not UTF-8");
  const auto ragged = read_csv("a,b\n1,2,3\n", "t.csv");
  ASSERT_FALSE(ragged);
  EXPECT_EQ(ragged.error().where, "t.csv");
  EXPECT_EQ(ragged.error().code, ErrorCode::kInput);
}

}  // namespace
}  // namespace hre::data
