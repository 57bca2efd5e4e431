#include "model/llama/fast/weight_stream.h"

#include <ggml.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

namespace hre::fast {
namespace {

using testing::ElementsAre;

TEST(WeightStream, StagesAreLayersAndTheOutput) {
  const std::vector<std::string> names = {"token_embd.weight",
                                          "blk.1.attn_q.weight",
                                          "blk.0.attn_q.weight",
                                          "blk.1.ffn_up.weight",
                                          "output_norm.weight",
                                          "output.weight",
                                          "blk.x.odd"};
  EXPECT_THAT(stages_of(names), ElementsAre(ElementsAre(2), ElementsAre(1, 3), ElementsAre(4, 5)));
}

TEST(WeightStream, TiedEmbeddingsAreTheOutputs) {
  const std::vector<std::string> names = {"token_embd.weight", "blk.0.attn_q.weight", "output_norm.weight"};
  EXPECT_THAT(stages_of(names), ElementsAre(ElementsAre(1), ElementsAre(0, 2)));
}

TEST(WeightStream, AHugeLayerNumberIsNoLayer) {
  const std::vector<std::string> names = {"blk.99999999999999999999.a", "blk.4000000000.a", "blk.0.a"};
  EXPECT_THAT(stages_of(names), ElementsAre(ElementsAre(2), ElementsAre()));
}

/// Three stages of two pages each in a mapped file.
class MappedStages : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/hre-stream-XXXXXX";
    const int file = mkstemp(name);
    ASSERT_GE(file, 0);
    unlink(name);
    const std::vector<char> bytes(6 * page_, 7);
    ASSERT_EQ(write(file, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    mapping_ = static_cast<std::byte*>(mmap(nullptr, bytes.size(), PROT_READ, MAP_SHARED, file, 0));
    close(file);
    ASSERT_NE(static_cast<void*>(mapping_), MAP_FAILED);
    madvise(mapping_, 6 * page_, MADV_RANDOM);  // no more pages than are touched
    stream_ =
        std::make_unique<WeightStream>(std::vector<MappedWeight>{{"blk.0.a", mapping_, 2 * page_},
                                                                 {"blk.1.a", mapping_ + 2 * page_, 2 * page_},
                                                                 {"output.weight", mapping_ + 4 * page_, 2 * page_}});
  }
  void TearDown() override {
    stream_.reset();
    munmap(mapping_, 6 * page_);
  }

  void reach(size_t stage) {
    ggml_tensor weights{}, node{};
    weights.op = GGML_OP_NONE;
    weights.data = mapping_ + 2 * stage * page_;
    node.op = GGML_OP_MUL_MAT;
    node.src[0] = &weights;
    stream_->reach(&node);
  }

  const size_t page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::byte* mapping_ = nullptr;
  std::unique_ptr<WeightStream> stream_;
};

/// Stages, each waited for: going round ends only if all of them are read in their turn.
TEST_F(MappedStages, GoRoundAndRoundAndKeepTheirBytes) {
  for (int round = 0; round < 50; ++round) {
    for (size_t stage = 0; stage < 3; ++stage) {
      reach(stage);
      EXPECT_EQ(mapping_[2 * stage * page_], std::byte{7});
    }
  }
  reach(2);  // out of turn, twice, and back
  reach(0);
  reach(2);
  EXPECT_EQ(mapping_[4 * page_ + 1], std::byte{7});
}

}  // namespace
}  // namespace hre::fast
