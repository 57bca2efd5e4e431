#include "model/llama/fast/isa.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace hre::fast {
namespace {

TEST(Isa, KnowsTheNamesOfCaps) {
  EXPECT_EQ(parse_isa_cap("avx2"), Isa::kAvx2);
  EXPECT_EQ(parse_isa_cap("AVX512_CORE"), Isa::kAvx512);
  EXPECT_EQ(parse_isa_cap("AVX512_CORE_VNNI"), Isa::kAvx512Vnni);
  EXPECT_EQ(parse_isa_cap("AVX512_CORE_AMX"), Isa::kAmx);
  EXPECT_EQ(parse_isa_cap("SSE41"), Isa::kBaseline);
  EXPECT_FALSE(parse_isa_cap("avx3"));
  EXPECT_FALSE(parse_isa_cap(""));
}

// tests/test_isa.py runs this program once for each cap, and reads the line that this prints.
TEST(Isa, IsAtMostTheCap) {
  const char* cap = std::getenv("ONEDNN_MAX_CPU_ISA");
  std::printf("instruction set: %s\n", name_of(isa()));
  if (cap == nullptr) GTEST_SKIP() << "no cap is set";
  ASSERT_TRUE(parse_isa_cap(cap));
  EXPECT_LE(isa(), *parse_isa_cap(cap));
}

}  // namespace
}  // namespace hre::fast
