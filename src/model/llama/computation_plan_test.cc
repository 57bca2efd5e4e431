#include "model/llama/computation_plan.h"

#include <gtest/gtest.h>

#include "model/llama/fast/integer_kernels.h"

namespace hre {
namespace {

/// 24 layers of 10 MB each, and an embedding and an output layer of 20 MB.
ModelFiles model(const std::string& architecture = "llama") {
  GgufHeader header;
  header.values = {{"general.architecture", architecture},
                   {architecture + ".block_count", int64_t{24}},
                   {architecture + ".embedding_length", int64_t{64}},
                   {architecture + ".attention.head_count", int64_t{4}}};
  header.tensors = {{"token_embd.weight", {64, 1000}, 0, 20000000}, {"output.weight", {64, 1000}, 0, 20000000}};
  for (int layer = 0; layer < 24; ++layer) {
    header.tensors.push_back({"blk." + std::to_string(layer) + ".ffn_up.weight", {64, 64}, 0, 10000000});
  }
  header.tensor_bytes = 280000000;
  return {{"m.gguf"}, {header}};
}

Machine machine_of(fast::Isa isa) { return {isa, true, 4, 8000000000, {}}; }

Machine with_device() {
  Machine machine = machine_of(fast::Isa::kAvx2);
  machine.devices = {{"a device", 1000000000}};
  return machine;
}

TEST(ComputationPlan, TakesKernelsFromTheInstructionSetAlone) {
  const auto settings = [](fast::Isa isa) { return plan_computation(model(), {}, machine_of(isa))->rules.fast; };
  using enum Precision;
  const bool has_integers = fast::integers::avx2_kernels() != nullptr;  // not from clang
  const Precision i14 = has_integers ? kI14 : kF32, i16 = has_integers ? kI16 : kF32;
  EXPECT_EQ(settings(fast::Isa::kBaseline).quantised, kF32);
  EXPECT_EQ(settings(fast::Isa::kAvx2).quantised, i14);
  EXPECT_EQ(settings(fast::Isa::kAvx2).q8_0, i16);
  EXPECT_EQ(settings(fast::Isa::kAvx512).quantised, kF32);
  EXPECT_EQ(settings(fast::Isa::kAvx512Vnni).bf16, i14);
  EXPECT_EQ(settings(fast::Isa::kAvx512Bf16).bf16, i14);
  for (const fast::Isa isa : {fast::Isa::kBaseline, fast::Isa::kAvx2, fast::Isa::kAvx512, fast::Isa::kAmx}) {
    EXPECT_TRUE(settings(isa).products && settings(isa).attention);
  }
}

TEST(ComputationPlan, IsExactWhereAsked) {
  EngineOptions options;
  options.precision = ComputePrecision::kExact;
  const auto plan = plan_computation(model(), options, machine_of(fast::Isa::kAvx512Vnni));
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->rules.fast.bf16, Precision::kF32);
  EXPECT_EQ(plan->rules.fast.q8_0, Precision::kF32);
  EXPECT_EQ(plan->rules.fast.quantised, Precision::kF32);
  const auto refused = [&](const EngineOptions& given, const Machine& machine) {
    const auto other = plan_computation(model(), given, machine);
    return !other && other.error().code == ErrorCode::kInput && other.error().where == "‹precision› exact";
  };
  EngineOptions changed = options;
  changed.cache_type = CacheType::kF16;
  EXPECT_TRUE(refused(changed, machine_of(fast::Isa::kAvx2)));
  changed = options;
  changed.kernels = EngineKernels::kPlain;
  EXPECT_TRUE(refused(changed, machine_of(fast::Isa::kAvx2)));
  changed = options;
  changed.flash_attention = FlashAttention::kOn;
  EXPECT_TRUE(refused(changed, machine_of(fast::Isa::kAvx2)));
  EXPECT_TRUE(refused(options, with_device()));
  EXPECT_TRUE(refused(options, Machine{}));
}

TEST(ComputationPlan, GroupsWhereNothingDependsOnNeighbours) {
  const Machine machine = machine_of(fast::Isa::kAvx2);
  EXPECT_TRUE(plan_computation(model(), {}, machine)->rules.groups_questions);
  EXPECT_FALSE(plan_computation(model("mamba"), {}, machine)->rules.groups_questions);
  EXPECT_FALSE(plan_computation(model("bloom"), {}, machine)->rules.groups_questions);
  EngineOptions plain;
  plain.kernels = EngineKernels::kPlain;
  EXPECT_FALSE(plan_computation(model(), plain, machine)->rules.groups_questions);
  EXPECT_FALSE(plan_computation(model(), {}, Machine{})->rules.groups_questions);
}

TEST(ComputationPlan, NamesDevicesAndHowTheyShareTheModel) {
  EXPECT_EQ(plan_computation(model(), {}, machine_of(fast::Isa::kAvx2))->device, "CPU");
  EngineOptions options;
  EXPECT_EQ(plan_computation(model(), options, with_device())->device, "a device (all layers)");
  options.gpu_layers = 10;
  EXPECT_EQ(plan_computation(model(), options, with_device())->device, "a device (10 layers)");
  options.tensor_split = {3, 1.5F};
  EXPECT_EQ(plan_computation(model(), options, with_device())->device, "a device (10 layers, split 3:1.5)");
}

TEST(ComputationPlan, CountsMemoryWhereTheLayersAre) {
  EngineOptions options;
  auto plan = plan_computation(model(), options, with_device());
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->devices.weights, 260000000U);  // all but the embedding
  EXPECT_EQ(plan->host.weights, 20000000U);
  EXPECT_TRUE(plan->rules.on_device);
  Machine little = with_device();
  little.free_memory = 200000000;  // less than the weights, which the device has
  EXPECT_TRUE(check_memory(*plan, little, options, "m.gguf"));
  little.devices[0].free_memory = 200000000;
  const auto short_of = check_memory(*plan, little, options, "m.gguf");
  ASSERT_FALSE(short_of);
  EXPECT_NE(short_of.error().text().find("the devices' memory"), std::string::npos);
  options.gpu_layers = 10;
  plan = plan_computation(model(), options, with_device());
  EXPECT_EQ(plan->devices.weights, 9 * 10000000U + 20000000U);  // the last nine layers, and the output layer
  EXPECT_FALSE(plan->rules.on_device);
  EXPECT_EQ(plan->device, "a device (10 layers)");
}

TEST(ComputationPlan, CountsEveryWorker) {
  EngineOptions options;
  const MemoryNeeds one = plan_computation(model(), options, machine_of(fast::Isa::kAvx2))->host;
  options.workers = 8;
  const MemoryNeeds eight = plan_computation(model(), options, machine_of(fast::Isa::kAvx2))->host;
  EXPECT_EQ(eight.weights, one.weights);
  EXPECT_EQ(eight.cache, 8 * one.cache);
  EXPECT_EQ(eight.compute, 8 * one.compute);
}

TEST(ComputationPlan, RefusesWhatCantBeStreamed) {
  EngineOptions options;
  options.stream_weights = true;
  EXPECT_TRUE(plan_computation(model(), options, machine_of(fast::Isa::kAvx2))->streams_weights);
  EXPECT_EQ(plan_computation(model(), options, Machine{}).error().where, "‹stream_weights›");
  options.rpc = {"localhost:1"};
  EXPECT_EQ(plan_computation(model(), options, machine_of(fast::Isa::kAvx2)).error().where, "‹rpc›");
}

}  // namespace
}  // namespace hre
