#include "model/llama/device/logit_reduction.h"

#include <gtest/gtest.h>

#include "model/llama/computation_plan.h"
#include "model/llama/llama_scorer.h"
#include "model/llama/test_groups.h"

namespace hre::device {
namespace {

constexpr const char* kModel = HRE_SOURCE_DIR "/models/hre-base-q8_0.gguf";

std::vector<QuestionPlan> plans_of(const EngineOptions& options) {
  SilentProgress progress;
  const auto scorer = open_llama(kModel, options, progress);
  if (!scorer) {
    ADD_FAILURE() << scorer.error().text();
    return {};
  }
  std::vector<QuestionPlan> plans;
  for (const char* context : {"Question: How do I read a file?\nAnswer:", "Question: Why is the sky blue?\nAnswer:"}) {
    auto plan = (*scorer)->plan(
        {context, {" Open it, then read line by line.", " No.", " Light of short waves is scattered."}});
    if (plan) plans.push_back(std::move(*plan));
  }
  return plans;
}

/// Token by token, as a computation by the engine alone has it.
std::vector<float> log_probs_of(const std::vector<QuestionPlan>& plans, const EngineOptions& options, bool on_device) {
  const auto files = read_model_files(kModel);
  const auto model = load_llama_model(files->parts, "", options, true);
  if (!model) return {};
  const auto plan = plan_computation(*files, options, *this_machine(options));
  ComputationRules rules = plan->rules;
  rules.on_device = rules.reduces_output = rules.groups_questions = on_device;
  Computation computation(model->get(), {}, {}, rules);
  std::vector<float> all;
  if (auto ok = computation.make_room(plans); !ok) ADD_FAILURE() << ok.error().text();
  GroupRules groups;
  if (on_device) groups.most_positions = rules.chunk;
  for (const Group& group : group_questions(plans, rules.passes, groups)) {
    const auto scores = computation.score(std::span(plans).subspan(group.first, group.last - group.first), {});
    if (!scores) {
      ADD_FAILURE() << scores.error().text();
      return all;
    }
    for (const QuestionScore& score : *scores) {
      for (const AnswerScore& answer : score.answers) {
        all.insert(all.end(), answer.token_log_probs.begin(), answer.token_log_probs.end());
      }
    }
  }
  return all;
}

TEST(LogitReduction, EqualsLogitsThatTheHostReads) {
  if (fast::engine_patch() == 0) GTEST_SKIP() << "this engine is not hre's own, and always copies logits to the host";
  ASSERT_TRUE(fast::engine_asks()) << fast::kernel_problem();
  EngineOptions options;
  options.threads = 1;
  options.gpu_layers = 0;
  options.kernels = EngineKernels::kPlain;
  const std::vector<QuestionPlan> plans = plans_of(options);
  ASSERT_EQ(plans.size(), 2u);
  const std::vector<float> expected = log_probs_of(plans, options, false), reduced = log_probs_of(plans, options, true);
  ASSERT_GT(expected.size(), 20u);
  ASSERT_EQ(reduced.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(reduced[i], expected[i], 1e-4) << i;
}

}  // namespace
}  // namespace hre::device
