#pragma once
/// The folder src/model/llama/device: reduces the output layer's logits where a device computed them.
///
/// Not here: the CPU's output layer, which src/model/llama/fast reduces as it is computed.
/// Types:    `LogitReduction` watches a context's graphs; `reduce_on_cuda` (reduce_logits.h) is the kernel's host side.
/// Owners:   the computation owns the reduction; the wanted logits belong to the caller until the graph is computed.
/// Threads:  called by the engine's scheduler, on the thread that computes the graph.
/// To add:   a device: a branch in `reduce`, and its kernel beside reduce_logits.cu.

/// If a device computes the output layer, its logits are reduced there to log-sum-exps and target logits, so that only
/// a few bytes per token are copied back to the host.

#include <ggml.h>

#include <span>
#include <string>
#include <vector>

#include "model/llama/fast/fast_path.h"

namespace hre::device {

/// Watches a context's graphs for the output layer's result (llama_context_params::cb_eval). Host memory is read in
/// place; CUDA memory is reduced by a kernel (-DHRE_CUDA=ON); from other devices the rows are copied, some at a time.
class LogitReduction {
 public:
  /// Sets, for the next graph, the wanted logits (in the order of rows) and the number of rows. `wanted` must stay
  /// valid until the graph has been computed.
  void expect(std::span<fast::WantedLogit> wanted, int64_t n_rows);
  /// Whether the graph's output layer was seen and reduced.
  [[nodiscard]] bool done() const { return done_; }
  /// Why the reduction failed; empty if it did not.
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
