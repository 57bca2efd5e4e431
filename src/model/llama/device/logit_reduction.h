#pragma once
/// Where a device computes the output layer: its logits are reduced there to what log-probabilities need, so that a few
/// bytes a token come back to the host.

#include <ggml.h>

#include <span>
#include <string>
#include <vector>

#include "model/llama/fast/fast_path.h"

namespace hre::device {

/// Watches a context's graphs for the output layer's result (llama_context_params::cb_eval). Memory of the host is read
/// in place, CUDA's is reduced by a kernel (-DHRE_CUDA=ON); of other devices the rows are copied, some at a time.
class LogitReduction {
 public:
  /// For the next graph: the logits to keep, in the order of rows, of so many rows. They must live until it is
  /// computed.
  void expect(std::span<fast::WantedLogit> wanted, int64_t n_rows);
  /// Whether the graph's output layer was seen and reduced.
  [[nodiscard]] bool done() const { return done_; }
  /// Why it could not be; empty where it could.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  /// log(sum(exp(logits))) of a row.
  [[nodiscard]] double log_sum_exp(int64_t row) const { return log_sums_[static_cast<size_t>(row)]; }

  /// ggml_backend_sched_eval_callback; `self` is a LogitReduction.
  static bool at_node(ggml_tensor* node, bool asks, void* self);

 private:
  void reduce(const ggml_tensor& logits);
  void reduce_rows(const float* logits, size_t n_vocab, int64_t first, int64_t rows);

  std::span<fast::WantedLogit> wanted_;
  int64_t n_rows_ = 0;
  std::vector<double> log_sums_;
  bool done_ = false;
  std::string problem_;
};

}  // namespace hre::device
