#pragma once
/// Passes computed by libllama: one context, sized from the plans, and the log-probabilities that its logits give.

#include <memory>
#include <stop_token>

#include "model/llama/device/logit_reduction.h"
#include "model/llama/engine.h"
#include "model/llama/fast/fast_path.h"
#include "model/llama/fast/weight_stream.h"
#include "model/llama/passes.h"

namespace hre {

/// How a model is computed; constant for its scorer.
struct ComputationRules {
  PassRules passes;
  bool groups_questions = false;  ///< several are computed together: nothing that one gives depends on the others
  /// The attention window, in tokens, that the model has but libllama ignores for its architecture; 0: none. Longer
  /// sequences are computed token by token, with what has left the window taken out of the cache.
  int64_t window = 0;
  int threads = 1;
  bool has_encoder = false;
  float logit_scale = 1;        ///< logits are multiplied by it: libllama leaves out that of T5 with tied embeddings
  bool widens_weights = false;  ///< products with narrow weights are computed as they are defined, for checks
  bool gelu_is_erf = false;     ///< the model's GELU is the exact one, not its tanh form
  CacheType cache_type = CacheType::kF32;
  FlashAttention flash_attention = FlashAttention::kOff;
  fast::Settings fast;                         ///< what is computed by hre's own kernels
  bool on_device = false;                      ///< a device, not the CPU, computes the output layer
  bool reduces_output = false;                 ///< to what log-probabilities need, as far as its graph allows
  int64_t chunk = 1024;                        ///< tokens computed at once
  std::shared_ptr<fast::WeightStream> stream;  ///< where the weights stay on the disk
};

/// Whether this engine can compute GELU in its exact form, where rules.gelu_is_erf asks for that.
bool has_exact_gelu();

class Batch;
struct Work;

/// Owns a context of the model, which it makes for the plans at hand. Not thread-safe; stays where it was made.
class Computation {
 public:
  /// The model and its adapters must live longer.
  Computation(llama_model* model, std::vector<llama_adapter_lora*> adapters, std::vector<float> scales,
              ComputationRules rules);
  Computation(const Computation&) = delete;
  Computation& operator=(const Computation&) = delete;

  /// Makes room for the largest pass of all plans, and for any group of them. Room is never given up again.
  Status make_room(std::span<const QuestionPlan> plans);
  /// A group to which questions that are computed together are added.
  [[nodiscard]] OpenGroup open_group() const { return {rules_.passes, group_rules()}; }
  /// All answers of a group's questions. kInterrupted where `stop` came in between.
  Result<std::vector<QuestionScore>> score(std::span<const QuestionPlan> group, const std::stop_token& stop);

  /// The texts of an answer's target tokens.
  [[nodiscard]] TokenTexts texts_of(const AnswerPlan& answer) const;

 private:
  struct Size {
    int64_t positions = 1, sequences = 1, source = 0;
  };
  [[nodiscard]] GroupRules group_rules() const;
  [[nodiscard]] Size& size_of(bool is_long) { return is_long ? long_size_ : size_; }
  /// What a call of the engine is for: cells where parts begin, and logits of so many rows, unless there are none.
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
  bool reduces_ = false;   // the output layer gives no logits, but what log-probabilities need
  int64_t chunk_;          // tokens computed at once
  Size size_, long_size_;  // of passes with short and with long sequences
  LlamaContext context_;
  bool context_is_long_ = false;
  std::stop_token stop_;
};

}  // namespace hre
