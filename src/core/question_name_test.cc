#include "core/question_name.h"

#include <gtest/gtest.h>

namespace hre {
namespace {

TEST(QuestionNameTest, SaysTheTopicOnce) {
  EXPECT_EQ(question_name("python", "python/000012"), "python/000012");
  EXPECT_EQ(question_name("python", "12"), "12 (topic python)");
  EXPECT_EQ(question_name("py", "python/000012"), "python/000012 (topic py)");
  EXPECT_EQ(question_name("python", "python"), "python (topic python)");
  EXPECT_EQ(question_name("", "12"), "12");
}

}  // namespace
}  // namespace hre
