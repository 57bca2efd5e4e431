#include "model/llama/device/logit_reduction.h"

#include <fmt/format.h>
#include <ggml-backend.h>

#include <algorithm>
#include <cstring>

#include "model/llama/device/reduce_logits.h"
#include "model/log_softmax.h"

namespace hre::device {
namespace {

constexpr size_t kCopiedBytes = 64 << 20;

bool is_in_cuda_memory(const ggml_tensor& tensor) {
  const ggml_backend_buffer_type_t type = ggml_backend_buffer_get_type(tensor.buffer);
  return std::strncmp(ggml_backend_buft_name(type), "CUDA", 4) == 0;
}

}  // namespace

void LogitReduction::expect(std::span<fast::WantedLogit> wanted, int64_t n_rows) {
  wanted_ = wanted;
  n_rows_ = n_rows;
  done_ = false;
  problem_.clear();
}

bool LogitReduction::at_node(ggml_tensor* node, bool asks, void* self) {
  auto& reduction = *static_cast<LogitReduction*>(self);
  const bool is_output = !reduction.wanted_.empty() && std::strcmp(node->name, "result_output") == 0;
  if (is_output && !asks) reduction.reduce(*node);
  return asks ? is_output : true;
}

void LogitReduction::reduce(const ggml_tensor& logits) {
  if (logits.type != GGML_TYPE_F32 || !ggml_is_contiguous(&logits) || ggml_nrows(&logits) != n_rows_) {
    problem_ = fmt::format("the output layer gives {} rows of {}, not {} of f32", ggml_nrows(&logits),
                           ggml_type_name(logits.type), n_rows_);
    return;
  }
  const auto n_vocab = static_cast<size_t>(logits.ne[0]);
  log_sums_.resize(static_cast<size_t>(n_rows_));
  if (ggml_backend_buffer_is_host(logits.buffer)) {
    reduce_rows(static_cast<const float*>(logits.data), n_vocab, 0, n_rows_);
  } else if (has_cuda() && is_in_cuda_memory(logits)) {
    problem_ = reduce_on_cuda(static_cast<const float*>(logits.data), n_rows_, logits.ne[0], wanted_, log_sums_);
    if (!problem_.empty()) return;
  } else {
    const auto at_once = std::max<int64_t>(1, static_cast<int64_t>(kCopiedBytes / (n_vocab * sizeof(float))));
    std::vector<float> rows;
    for (int64_t first = 0; first < n_rows_; first += at_once) {
      const int64_t n = std::min(at_once, n_rows_ - first);
      rows.resize(static_cast<size_t>(n) * n_vocab);
      ggml_backend_tensor_get(&logits, rows.data(), static_cast<size_t>(first) * n_vocab * sizeof(float),
                              rows.size() * sizeof(float));
      reduce_rows(rows.data(), n_vocab, first, n);
    }
  }
  done_ = true;
}

void LogitReduction::reduce_rows(const float* logits, size_t n_vocab, int64_t first, int64_t rows) {
  for (int64_t row = 0; row < rows; ++row) {
    const float* at = logits + static_cast<size_t>(row) * n_vocab;
    log_sums_[static_cast<size_t>(first + row)] = hre::log_sum_exp({at, n_vocab});
  }
  for (fast::WantedLogit& wanted : wanted_) {
    if (wanted.row < first || wanted.row >= first + rows) continue;
    wanted.logit = logits[static_cast<size_t>(wanted.row - first) * n_vocab + static_cast<size_t>(wanted.token)];
  }
}

}  // namespace hre::device
