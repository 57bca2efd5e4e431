#include "model/llama/llama_scorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "model/llama/description.h"
#include "model/llama/fast/fast_path.h"
#include "model/speed.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

namespace hre {
namespace {

namespace fs = std::filesystem;

constexpr const char* kContext = "Question: Why is the sky blue?\nAnswer:";

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
  const auto plan = scorer.plan({kContext, {" Light of short waves is scattered.", " It mirrors the sea."}});
  if (!plan) return log_probs;
  const auto sink = [&](size_t, QuestionScore score) {
    for (const AnswerScore& answer : score.answers) {
      log_probs.insert(log_probs.end(), answer.token_log_probs.begin(), answer.token_log_probs.end());
    }
    return true;
  };
  if (auto ok = score_all(scorer, {&*plan, 1}, sink, {}); !ok) ADD_FAILURE() << ok.error().text();
  return log_probs;
}

/// GPT-NeoX's GELU is the exact one, GPT-2's its tanh form, and which is computed is a switch of the whole process.
TEST(LlamaScorer, ComputesItsOwnGeluBesideAnother) {
  const Fixture erf("gptneox"), tanh("gpt2");
  for (const EngineKernels kernels : {EngineKernels::kPlain, EngineKernels::kAuto}) {
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

TEST(LlamaScorer, GivesAnErrorWhereAnAssertionOfTheEngineFails) {
  const Fixture model("gpt2");
  const auto scorer = opened(model, EngineKernels::kPlain);
  ASSERT_NE(scorer, nullptr);
  const std::vector<float> expected = scored(*scorer);
  auto plan = scorer->plan({kContext, {" Yes."}});
  ASSERT_TRUE(plan);
  plan->prefix.insert(plan->prefix.begin(), 400, plan->prefix.front());  // the model has learned 320 positions
#ifdef __SANITIZE_ADDRESS__
  // The engine's C code can't free its list of threads when the exception passes through it.
  const __lsan::ScopedDisabler leaks;
#endif
  const auto ok = score_all(*scorer, {&*plan, 1}, [](size_t, const QuestionScore&) { return true; }, {});
  ASSERT_FALSE(ok);
  EXPECT_NE(ok.error().text().find("an assertion failed"), std::string::npos) << ok.error().text();
  EXPECT_EQ(scored(*scorer), expected);
}

TEST(LlamaScorer, KeepsAContextThatHasRoom) {
  if (fast::engine_patch() == 0) GTEST_SKIP() << "this engine is not hre's own";
  const Fixture model("gptneox");
  const auto scorer = opened(model, EngineKernels::kAuto);
  ASSERT_NE(scorer, nullptr);
  /// Operations of the output layer: the first thing that a new context computes is a token more.
  const auto work_for = [&](int n_words) {
    std::string answer;
    for (int i = 0; i < n_words; ++i) answer += " blue";
    const auto plan = scorer->plan({kContext, {answer}});
    EXPECT_TRUE(plan);
    const double before = engine_work().output.operations.total();
    EXPECT_TRUE(score_all(*scorer, {&*plan, 1}, [](size_t, const QuestionScore&) { return true; }, {}));
    return engine_work().output.operations.total() - before;
  };
  work_for(30);
  work_for(2);
  const double first = work_for(20), again = work_for(20);
  EXPECT_GT(first, 0);
  EXPECT_EQ(first, again);
}

/// Keeps what is noted.
class Notes final : public ProgressListener {
 public:
  void begin(const std::string&, int64_t, const std::string&, double) override {}
  void advance(int64_t, double) override {}
  void end() override {}
  void note(const std::string& message) override { all += message + "\n"; }

  std::string all;
};

/// Computes as hre does, and then moves a number of what came out.
template <ggml_op kOp>
int broken(ggml_cgraph* graph, int node, int thread, int n_threads, ggml_threadpool* pool) {
  const int done = fast::compute_here(graph, node, thread, n_threads, pool);
  const ggml_tensor* last = done > 0 ? ggml_graph_node(graph, node + done - 1) : nullptr;
  if (last != nullptr && ggml_graph_node(graph, node)->op == kOp && thread == 0) {
    static_cast<float*>(last->data)[3] += 0.01F;
  }
  return done;
}

/// The output layer of other rows than the engine has, which gets its own back.
int broken_output(ggml_cgraph* graph, int node, int thread, int n_threads, ggml_threadpool* pool) {
  const ggml_tensor* to = ggml_graph_node(graph, node);
  if (std::string_view(to->name) != "result_output") return fast::compute_here(graph, node, thread, n_threads, pool);
  float& value = static_cast<float*>(to->src[1]->data)[5];
  const float right = value;
  value += 0.5F;
  const int done = fast::compute_here(graph, node, thread, n_threads, pool);
  value = right;
  return done;
}

class SelfCheck : public testing::Test {
 protected:
  void SetUp() override {
    if (fast::engine_patch() == 0) GTEST_SKIP() << "this engine is not hre's own build";
  }
  void TearDown() override { fast::exchange_hook(fast::compute_here); }
};

TEST_F(SelfCheck, FindsNothingWrong) { EXPECT_EQ(fast::kernel_problem(), ""); }

TEST_F(SelfCheck, NamesNorms) {
  fast::exchange_hook(broken<GGML_OP_RMS_NORM>);
  EXPECT_NE(fast::kernel_problem().find("(norms)"), std::string::npos) << fast::kernel_problem();
}

TEST_F(SelfCheck, NamesWhatIsWrong) {
  fast::exchange_hook(broken<GGML_OP_FLASH_ATTN_EXT>);
  EXPECT_EQ(fast::kernel_problem(),
            "hre's own kernels are wrong on this machine (attention): the engine computes everything");
  fast::exchange_hook(broken<GGML_OP_MUL_MAT>);
  EXPECT_NE(fast::kernel_problem().find("products of f32 weights in f32, with bias and GELU"), std::string::npos);
  EXPECT_EQ(fast::kernel_problem().find("attention"), std::string::npos);
  fast::exchange_hook(broken_output);
  EXPECT_NE(fast::kernel_problem().find("(the output layer)"), std::string::npos) << fast::kernel_problem();
}

TEST_F(SelfCheck, LeavesEverythingToTheEngineWhereSomethingIsWrong) {
  const Fixture model("gptneox");
  const auto plain = opened(model, EngineKernels::kPlain);
  ASSERT_NE(plain, nullptr);
  fast::exchange_hook(broken<GGML_OP_MUL_MAT>);
  Notes notes;
  const auto scorer = open_llama(model.path(), options_of(EngineKernels::kAuto), notes);
  ASSERT_TRUE(scorer) << scorer.error().text();
  EXPECT_NE(notes.all.find("hre's own kernels are wrong"), std::string::npos) << notes.all;
  const Settings& settings = (*scorer)->describe().settings;
  EXPECT_THAT(settings, testing::Contains(std::pair<std::string, std::string>("kernels", "the engine's")));
  EXPECT_EQ(scored(**scorer), scored(*plain));
}

}  // namespace
}  // namespace hre
