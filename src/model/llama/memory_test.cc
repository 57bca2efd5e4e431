#include <gtest/gtest.h>

#include "model/llama/computation_plan.h"

namespace hre {
namespace {

GgufHeader two_layers() {
  GgufHeader header;
  header.values = {{"general.architecture", std::string("llama")},
                   {"llama.block_count", int64_t{2}},
                   {"llama.embedding_length", int64_t{64}},
                   {"llama.attention.head_count", int64_t{4}}};
  return header;
}

/// A plan that takes so much of the host's memory, and a machine that has so much free.
Status check(const MemoryNeeds& needs, std::optional<uint64_t> free, const EngineOptions& options = {}) {
  ComputationPlan plan;
  plan.host = needs;
  Machine machine;
  machine.free_memory = free;
  return check_memory(plan, machine, options, "m.gguf");
}

TEST(Memory, SaysWhatIsMissingAndWhatHelps) {
  const MemoryNeeds needs{4000000000, 3000000000, 500000000};
  EXPECT_TRUE(check(needs, 7500000000));
  EXPECT_TRUE(check(needs, std::nullopt));
  const auto smaller_cache = check(needs, 7000000000);
  ASSERT_FALSE(smaller_cache);
  EXPECT_EQ(smaller_cache.error().code, ErrorCode::kInput);
  EXPECT_EQ(smaller_cache.error().text(),
            "m.gguf: needs about 7.5 GB of memory (4 GB weights, 3 GB cache, 500 MB to compute), but 7 GB is free; "
            "‹kv_type› f16 needs about 6 GB");
  EngineOptions exact;
  exact.precision = ComputePrecision::kExact;
  EXPECT_EQ(check(needs, 7000000000, exact).error().next.find("‹kv_type›"), std::string::npos);
  const auto nothing_helps = check(needs, 1000000000);
  ASSERT_FALSE(nothing_helps);
  EXPECT_NE(nothing_helps.error().next.find("smaller type"), std::string::npos);
}

TEST(Memory, CountsWeightsAndCache) {
  ModelFiles files;
  files.parts = {"m.gguf"};
  GgufHeader header = two_layers();
  header.values["llama.attention.head_count_kv"] = int64_t{2};
  header.tensors = {{"token_embd.weight", {64, 1000}, 0, 256000}, {"output.weight", {64, 1000}, 0, 256000}};
  header.tensor_bytes = 512000;
  files.headers = {header};
  const auto f32 = plan_computation(files, {}, {});
  ASSERT_TRUE(f32);
  EXPECT_EQ(f32->host.weights, 512000u);
  EXPECT_EQ(f32->host.cache, 4096u * 2 * 2 * (16 + 16) * 4);  // positions x layers x heads x (key + value) x bytes
  EngineOptions half;
  half.cache_type = CacheType::kF16;
  EXPECT_EQ(plan_computation(files, half, {})->host.cache * 2, f32->host.cache);
}

TEST(Memory, StreamsWhatHasLayersAndRoom) {
  ModelFiles files;
  GgufHeader header = two_layers();
  header.tensors = {{"token_embd.weight", {64, 1000}, 0, 256000},
                    {"blk.0.attn_q.weight", {64, 64}, 0, 16384},
                    {"blk.1.attn_q.weight", {64, 64}, 0, 16384},
                    {"output.weight", {64, 1000}, 0, 256000}};
  files.headers = {header};
  const auto room = room_to_stream(files, {}, std::nullopt, "m.gguf");
  ASSERT_TRUE(room);
  EXPECT_EQ(room->weights, 256000u + 16384);  // the last layer and the output
  EXPECT_EQ(room->tokens, 4096);
  const auto little = room_to_stream(files, {}, 4000000, "m.gguf");
  ASSERT_TRUE(little);
  EXPECT_LT(little->tokens, 4096);
  EXPECT_FALSE(room_to_stream(files, {}, 600000, "m.gguf"));
  files.headers[0].tensors = {{"enc.blk.0.attn_q.weight", {64, 64}, 0, 16384}};
  const auto none = room_to_stream(files, {}, std::nullopt, "m.gguf");
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().text().find("no layers"), std::string::npos);
}

TEST(Memory, KeepsTheCacheSmallBesideTheWeights) {
  constexpr uint64_t kMega = 1000000;
  EXPECT_EQ(pass_tokens(1620 * kMega, 196608), (1620 * kMega / 10 + 100 * kMega) / 196608);
  EXPECT_EQ(pass_tokens(kMega, 1000), 4096);             // small models: as many as a pass has ever
  EXPECT_EQ(pass_tokens(14000 * kMega, 1 << 21), 1024);  // what a chunk needs, whatever it takes
  EXPECT_EQ(pass_tokens(0, 0), 4096);
}

TEST(Memory, ComputesMoreAtOnceWhereItIsSmallBesideTheWeights) {
  constexpr uint64_t kMega = 1000000;
  EXPECT_EQ(chunk_tokens(kMega, 1000), 2048);
  EXPECT_EQ(chunk_tokens(430 * kMega, 65536), (430 * kMega / 20 + 50 * kMega) / 65536);
  EXPECT_EQ(chunk_tokens(400 * kMega, 500000), 1024);
}

}  // namespace
}  // namespace hre
