#include <gtest/gtest.h>

#include "analysis/notes.h"
#include "hre/dataset.h"

namespace hre {
namespace {

// Wherever a copy of the sample lies, its fingerprint says that its votes are invented.
TEST(Sample, IsKnownByItsFingerprint) {
  const auto sample = load_dataset("sample");
  ASSERT_TRUE(sample);
  EXPECT_TRUE(invented_votes_note("copy.jsonl", sample->fingerprint))
      << "the built-in dataset has changed: kSample in src/analysis/notes.cc is to be " << sample->fingerprint;
  EXPECT_FALSE(invented_votes_note("copy.jsonl", "another"));
}

}  // namespace
}  // namespace hre
