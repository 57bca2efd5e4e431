#pragma once
/// Computes passes with libllama: one context, sized from the plans, and log-probabilities from its logits.

#include <memory>
#include <stop_token>

#include "model/llama/device/logit_reduction.h"
#include "model/llama/engine.h"
#include "model/llama/fast/fast_path.h"
#include "model/llama/fast/weight_stream.h"
#include "model/llama/passes.h"

namespace hre {

/// How a model is computed; constant during the life of its scorer.
struct ComputationRules {
  PassRules passes;
  bool groups_questions = false;  ///< several questions may be computed together: none affects the values of another
  /// The attention window, in tokens, if the model has one that libllama ignores for its architecture; 0: none. Longer
  /// sequences are computed token by token, and tokens that have left the window are removed from the cache.
  int64_t window = 0;
  int threads = 1;
  bool has_encoder = false;
  float logit_scale = 1;        ///< factor for logits: libllama leaves out T5's with tied embeddings
  bool widens_weights = false;  ///< narrow weights are widened to float32 for products, for checks
  bool gelu_is_erf = false;     ///< the model's GELU is the exact form, not the tanh form
  CacheType cache_type = CacheType::kF32;
  FlashAttention flash_attention = FlashAttention::kOff;
  fast::KernelSettings fast;                   ///< what hre's own kernels compute
  bool on_device = false;                      ///< a device computes the output layer, not the CPU
  bool reduces_output = false;                 ///< keeps only log-sum-exps and target logits, if the graph allows it
  int64_t chunk = 1024;                        ///< tokens computed at once
  std::shared_ptr<fast::WeightStream> stream;  ///< set if the weights stay on the disk
};

/// Whether this engine can compute the exact form of GELU, which rules.gelu_is_erf asks for.
bool has_exact_gelu();

class Batch;
struct Work;

/// Owns a context of the model and makes it large enough for the plans. Not thread-safe, not movable.
class Computation {
 public:
  /// The model and its adapters must outlive the computation.
  Computation(llama_model* model, std::vector<llama_adapter_lora*> adapters, std::vector<float> scales,
              ComputationRules rules);
  Computation(const Computation&) = delete;
  Computation& operator=(const Computation&) = delete;

  /// Makes room for the largest pass of all plans, and for any group of them. The room never shrinks.
  Status make_room(std::span<const QuestionPlan> plans);
  /// An empty group, to which questions are added that will be computed together.
  [[nodiscard]] bool shares_prefix() const { return rules_.passes.mode != Passes::kPerAnswer; }
  [[nodiscard]] OpenGroup open_group() const { return {rules_.passes, group_rules()}; }
  /// Scores all answers of a group's questions. kInterrupted if `stop` was requested in the meantime.
  Result<std::vector<QuestionScore>> score(std::span<const QuestionPlan> group, const std::stop_token& stop);

  /// The texts of an answer's target tokens.
  [[nodiscard]] TokenTexts texts_of(const AnswerPlan& answer) const;

 private:
  struct Size {
    int64_t positions = 1, sequences = 1, source = 0;
  };
  [[nodiscard]] GroupRules group_rules() const;
  [[nodiscard]] Size& size_of(bool is_long) { return is_long ? long_size_ : size_; }
  /// The wishes for a call of the engine: the cells where parts begin, and the wanted logits of n_rows rows, if any.
  [[nodiscard]] fast::Wishes wishes(std::span<const int64_t> starts = {}, std::span<fast::WantedLogit> wanted = {},
                                    int64_t n_rows = 0) const;
  Status open_context(bool is_long);
  Status make_context(const Size& size, bool short_alone);
  Result<bool> reduces_logits();
  Status run_passes(Work& work, std::span<const Token> source);
  Status run_group(Work& work);
  Status encode(std::span<const Token> source, size_t n_sequences);
  Status run_pass(Work& work, std::span<const Token> source, const Pass& pass);
  Status compute(Work& work, std::span<Cell> cells, size_t n_sequences);
  Status compute_in_window(Work& work, std::span<Cell> cells);
  Status decode(Work& work, Batch& batch, std::span<Cell> chunk);
  Status decode_reduced(Work& work, Batch& batch, std::span<Cell> chunk);
  void take_log_probs(Work& work, std::span<const Cell> chunk);
  void forget(llama_pos from, size_t n_sequences);

  llama_model* model_;
  std::vector<llama_adapter_lora*> adapters_;
  std::vector<float> scales_;
  ComputationRules rules_;
  size_t n_vocab_;
  device::LogitReduction on_device_;
  bool reduces_ = false;   // the output layer yields reduced rows instead of logits
  int64_t chunk_;          // tokens computed at once
  Size size_, long_size_;  // for passes with short and with long sequences
  LlamaContext context_;
  bool context_is_long_ = false;
  std::stop_token stop_;
};

}  // namespace hre
