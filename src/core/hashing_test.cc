#include "core/hashing.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace hre {
namespace {

TEST(ContentHash, KnownValue) {
  EXPECT_EQ(ContentHash().value(), "99aa06d3014798d86001c324468d497f") << "XXH3-128 of nothing, from its specification";
}

TEST(ContentHash, FieldsDoNotRunTogether) {
  ContentHash a, b;
  a.add_field("ab"), a.add_field("c");
  b.add_field("a"), b.add_field("bc");
  EXPECT_NE(a.value(), b.value());
}

TEST(HashFile, EqualsItsBytes) {
  const std::string path = testing::TempDir() + "hash_file_test";
  const std::string bytes(3 << 20, 'x');
  std::ofstream(path) << bytes;
  ContentHash expected;
  expected.add_bytes(bytes);
  EXPECT_EQ(hash_file(path).value(), expected.value());
  std::remove(path.c_str());
  EXPECT_EQ(hash_file(path).error().code, ErrorCode::kInput);
}

}  // namespace
}  // namespace hre
