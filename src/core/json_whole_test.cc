#include "core/json_whole.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace hre {
namespace {

using Json = nlohmann::json;

TEST(WholeNumber, TakesWhatFitsAndNothingElse) {
  EXPECT_EQ(whole_number<int64_t>(Json::parse("-7")), -7);
  EXPECT_EQ(whole_number<uint64_t>(Json::parse("18446744073709551615")), UINT64_MAX);
  for (const char* text : {"5.0", "1e300", "\"5\"", "null", "true", "[5]", "18446744073709551615", "2147483648"}) {
    EXPECT_THROW(whole_number<int>(Json::parse(text)), Json::type_error) << text;
  }
  EXPECT_THROW(whole_number<uint64_t>(Json::parse("-1")), Json::type_error);
  EXPECT_THROW(whole_number<int64_t>(Json::parse("18446744073709551615")), Json::type_error);
}

}  // namespace
}  // namespace hre
