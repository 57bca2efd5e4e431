/// Scorers of one process on threads of their own: the engine's switches are the whole process's, the values aren't.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "model/llama/describe.h"
#include "model/llama/fast/fast_path.h"
#include "model/llama/llama_scorer.h"

namespace hre {
namespace {

namespace fs = std::filesystem;

/// tests/data/models/NAME.gguf.xz, unpacked for as long as this lives.
class Fixture {
 public:
  explicit Fixture(const std::string& name)
      : path_(fs::temp_directory_path() / ("hre-" + std::to_string(getpid()) + "-" + name + ".gguf")) {
    const std::string packed = HRE_SOURCE_DIR "/tests/data/models/" + name + ".gguf.xz";
    const std::string script =
        "import lzma, shutil; shutil.copyfileobj(lzma.open('" + packed + "'), open('" + path_.string() + "', 'wb'))";
    if (std::system(("python3 -c \"" + script + "\"").c_str()) != 0) ADD_FAILURE() << "can't unpack " << packed;
  }
  ~Fixture() {
    std::error_code problem;
    fs::remove(path_, problem);
  }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

EngineOptions options_of(EngineKernels kernels) {
  EngineOptions options;
  options.threads = 1;
  options.kernels = kernels;
  return options;
}

std::unique_ptr<Scorer> opened(const Fixture& model, EngineKernels kernels) {
  SilentProgress progress;
  auto scorer = open_llama(model.path(), options_of(kernels), progress);
  if (scorer) return std::move(*scorer);
  ADD_FAILURE() << scorer.error().text();
  return nullptr;
}

/// Token by token.
std::vector<float> scored(Scorer& scorer) {
  std::vector<float> log_probs;
  const auto plan = scorer.plan(
      {"Question: Why is the sky blue?\nAnswer:", {" Light of short waves is scattered.", " It mirrors the sea."}});
  if (!plan) return log_probs;
  const auto sink = [&](size_t, QuestionScore score) {
    for (const AnswerScore& answer : score.answers) {
      log_probs.insert(log_probs.end(), answer.token_log_probs.begin(), answer.token_log_probs.end());
    }
    return true;
  };
  if (auto ok = scorer.score({&*plan, 1}, sink, {}); !ok) ADD_FAILURE() << ok.error().text();
  return log_probs;
}

/// GPT-NeoX's GELU is the exact one, GPT-2's its tanh form.
TEST(TwoScorers, GiveEachItsOwnGelu) {
  const Fixture erf("gptneox"), tanh("gpt2");
  for (const EngineKernels kernels : {EngineKernels::kPlain, EngineKernels::kFast}) {
    const auto with_erf = opened(erf, kernels), with_tanh = opened(tanh, kernels);
    ASSERT_TRUE(with_erf != nullptr && with_tanh != nullptr);
    const std::vector<float> erf_alone = scored(*with_erf), tanh_alone = scored(*with_tanh);
    ASSERT_GT(erf_alone.size(), 10U);
    ASSERT_GT(tanh_alone.size(), 10U);
    const auto again = [](Scorer& scorer, const std::vector<float>& alone) {
      for (int round = 0; round < 40; ++round) EXPECT_EQ(scored(scorer), alone);
    };
    std::jthread other([&] { again(*with_erf, erf_alone); });
    again(*with_tanh, tanh_alone);
  }
}

}  // namespace
}  // namespace hre
