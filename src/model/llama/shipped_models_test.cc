/// The models that come with hre, against Transformers' values of the same files (tools/make_model_golden.py).

#include <gtest/gtest.h>
#include <llama.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>

#include "model/llama/llama_scorer.h"

namespace hre {
namespace {

namespace fs = std::filesystem;

/// Questions, and for each continuation what Transformers says of it.
struct Golden {
  std::vector<ScoringRequest> requests;
  std::vector<std::vector<std::pair<int, double>>> tokens_and_sums;
};

std::string unescaped(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const char next = text.at(++i);
    out += next == 'n' ? '\n' : next == 't' ? '\t' : next;
  }
  return out;
}

Golden read_golden(const std::string& name) {
  std::ifstream file(HRE_SOURCE_DIR "/tests/data/golden/" + name + ".expected.tsv");
  Golden golden;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream fields(line);
    std::string context, continuation, tokens, sum;
    std::getline(fields, context, '\t');
    std::getline(fields, continuation, '\t');
    std::getline(fields, tokens, '\t');
    std::getline(fields, sum, '\t');
    context = unescaped(context);
    if (golden.requests.empty() || golden.requests.back().context != context) {
      golden.requests.push_back({context, {}});
      golden.tokens_and_sums.emplace_back();
    }
    golden.requests.back().continuations.push_back(unescaped(continuation));
    golden.tokens_and_sums.back().emplace_back(std::stoi(tokens), std::stod(sum));
  }
  return golden;
}

/// The same weights as float32: what the file says, without the engine's rounding of activations to 8 bits.
std::string as_f32(const std::string& path) {
  const std::string out =
      (fs::path(testing::TempDir()) / (fs::path(path).stem().string() + "." + std::to_string(getpid()) + ".f32.gguf"))
          .string();
  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.ftype = LLAMA_FTYPE_ALL_F32;
  params.allow_requantize = true;
  params.nthread = 1;
  EXPECT_EQ(llama_model_quantize(path.c_str(), out.c_str(), &params), 0u);
  return out;
}

/// The largest difference of a sum from the expected one, in nats.
double largest_difference(const std::string& path, bool one_pass_an_answer, const Golden& golden) {
  EngineOptions options;
  options.threads = 1;
  options.one_pass_an_answer = one_pass_an_answer;
  SilentProgress progress;
  const auto scorer = open_llama(path, options, progress);
  if (!scorer) {
    ADD_FAILURE() << scorer.error().text();
    return INFINITY;
  }
  std::vector<QuestionPlan> plans;
  for (const ScoringRequest& request : golden.requests) plans.push_back((*scorer)->plan(request).value());
  double largest = 0;
  size_t n_answers = 0;
  const auto sink = [&](size_t index, const QuestionScore& score) {
    for (size_t a = 0; a < score.answers.size(); ++a, ++n_answers) {
      const auto& log_probs = score.answers[a].token_log_probs;
      const auto& [n_tokens, expected] = golden.tokens_and_sums[index][a];
      EXPECT_EQ(static_cast<int>(log_probs.size()), n_tokens);
      largest = std::max(largest, std::abs(std::accumulate(log_probs.begin(), log_probs.end(), 0.0) - expected));
    }
    return true;
  };
  const Status scored = score_all(**scorer, plans, sink, {});
  EXPECT_TRUE(scored) << scored.error().text();
  EXPECT_EQ(n_answers, 48u);
  return largest;
}

struct ShippedModels : testing::TestWithParam<const char*> {
  std::string path = HRE_SOURCE_DIR "/models/" + std::string(GetParam()) + ".gguf";
  Golden golden = read_golden(GetParam());
};

TEST_P(ShippedModels, EqualTransformersInFloat32) {
  const std::string f32 = as_f32(path);
  EXPECT_LE(largest_difference(f32, false, golden), 1e-3);
  EXPECT_LE(largest_difference(f32, true, golden), 1e-3);
  fs::remove(f32);
}

TEST_P(ShippedModels, AreNearThatAsTheyAre) {
  // 8-bit products move an answer of some hundreds of nats by some tenths.
  EXPECT_LE(largest_difference(path, false, golden), 2.0);
}

INSTANTIATE_TEST_SUITE_P(Both, ShippedModels, testing::Values("hre-base-q8_0", "hre-tuned-q8_0"),
                         [](const auto& model) { return std::string(model.index == 0 ? "base" : "tuned"); });

}  // namespace
}  // namespace hre
