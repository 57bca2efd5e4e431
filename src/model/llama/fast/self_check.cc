#include "model/llama/fast/self_check.h"

#include <fmt/format.h>
#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>

#include "model/llama/fast/fast_path.h"
#include "model/llama/fast/product_node.h"
#include "model/speed.h"

namespace hre::fast {
namespace {

constexpr int64_t kRows = 9, kColumns = 40, kDepth = 64;  // of products; whole blocks of every type
constexpr int64_t kQueries = 11, kKeys = 70, kHeads = 4, kKeyHeads = 2, kWidth = 16;

struct FreeContext {
  void operator()(ggml_context* context) const { ggml_free(context); }
};
struct FreeBuffer {
  void operator()(ggml_backend_buffer* buffer) const { ggml_backend_buffer_free(buffer); }
};

/// Pseudo-random numbers between -1 and 1, the same every time.
class Numbers {
 public:
  std::vector<float> some(int64_t n) {
    std::vector<float> values(static_cast<size_t>(n));
    for (float& value : values) {
      state_ = state_ * 6364136223846793005U + 1442695040888963407U;
      value = static_cast<float>(static_cast<int32_t>(state_ >> 32)) / 2147483648.0F;
    }
    return values;
  }

 private:
  uint64_t state_ = 1;
};

/// A graph with its own tensors. Weights are in a buffer where hre's kernels look for them.
class Graph {
 public:
  Graph()
      : weights_(ggml_init({size_t{1} << 16, nullptr, true})), rest_(ggml_init({size_t{1} << 20, nullptr, false})) {}

  ggml_tensor* weights(ggml_type type, const std::vector<float>& values, int64_t k) {
    const auto n = static_cast<int64_t>(values.size()) / k;
    ggml_tensor* tensor = ggml_new_tensor_2d(weights_.get(), type, k, n);
    buffer_.reset(ggml_backend_alloc_ctx_tensors_from_buft(weights_.get(), ggml_backend_cpu_buffer_type()));
    ggml_backend_buffer_set_usage(buffer_.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
    ggml_quantize_chunk(type, values.data(), tensor->data, 0, n, k, nullptr);
    return tensor;
  }
  ggml_tensor* values(const std::vector<float>& values, int64_t a, int64_t b = 1, int64_t c = 1) {
    ggml_tensor* tensor = ggml_new_tensor_3d(rest_.get(), GGML_TYPE_F32, a, b, c);
    std::copy(values.begin(), values.end(), static_cast<float*>(tensor->data));
    return tensor;
  }
  ggml_context* rest() { return rest_.get(); }

  /// The values of `last`, computed with these settings.
  std::vector<float> compute(ggml_tensor* last, const KernelSettings& settings, const Wishes& wishes = {}) {
    ggml_cgraph* graph = ggml_new_graph(rest_.get());
    ggml_build_forward_expand(graph, last);
    EngineCall call(settings, wishes);
    // One thread, because further threads of the engine would not exist in a forked process.
    if (ggml_graph_compute_with_ctx(rest_.get(), graph, 1) != GGML_STATUS_SUCCESS) return {};
    if (!wishes.wanted.empty()) return reduced(call, wishes);
    const auto* from = static_cast<const float*>(last->data);
    return {from, from + ggml_nelements(last)};
  }

 private:
  /// Log-probabilities of the wanted logits.
  static std::vector<float> reduced(const EngineCall& call, const Wishes& wishes) {
    std::vector<float> log_probs;
    for (const WantedLogit& wanted : wishes.wanted) {
      if (!call.reduced()) return {};
      log_probs.push_back(wanted.logit - static_cast<float>(call.log_sum_exp(wanted.row)));
    }
    return log_probs;
  }

  std::unique_ptr<ggml_context, FreeContext> weights_, rest_;
  std::unique_ptr<ggml_backend_buffer, FreeBuffer> buffer_;
};

bool agree(const std::vector<float>& a, const std::vector<float>& b, double tolerance) {
  if (a.empty() || a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!(std::abs(static_cast<double>(a[i]) - b[i]) <= tolerance)) return false;
  }
  return true;
}

/// The numbers that a product multiplies, and its tolerance for the sum of 64 products of numbers below 1.
struct Way {
  Precision precision;
  ggml_type type;
  double tolerance;
};
constexpr Way kWays[] = {{Precision::kF32, GGML_TYPE_F32, 1e-4},  {Precision::kF32, GGML_TYPE_BF16, 1e-4},
                         {Precision::kF32, GGML_TYPE_Q8_0, 1e-4}, {Precision::kBf16, GGML_TYPE_BF16, 0.2},
                         {Precision::kI14, GGML_TYPE_Q4_0, 2e-2}, {Precision::kI16, GGML_TYPE_Q8_0, 5e-3}};

KernelSettings settings_of(Precision narrow) { return {true, narrow, narrow, narrow, false}; }

/// The values that weights of this type represent.
std::vector<float> rounded_to(ggml_type type, const std::vector<float>& values, int64_t k) {
  if (type == GGML_TYPE_F32) return values;
  const auto n = static_cast<int64_t>(values.size()) / k;
  std::vector<char> narrow(ggml_row_size(type, k) * static_cast<size_t>(n));
  std::vector<float> wide(values.size());
  ggml_quantize_chunk(type, values.data(), narrow.data(), 0, n, k, nullptr);
  ggml_get_type_traits(type)->to_float(narrow.data(), wide.data(), n * k);
  return wide;
}

/// A product with bias and GELU, as in libllama's graphs: each node overwrites its input.
std::vector<float> product_of(ggml_type type, const std::vector<float>& weights, bool exact_gelu,
                              const KernelSettings& settings) {
  Numbers numbers;
  Graph graph;
  ggml_tensor* product = ggml_mul_mat(graph.rest(), graph.weights(type, weights, kDepth),
                                      graph.values(numbers.some(kRows * kDepth), kDepth, kRows));
  ggml_tensor* sum = ggml_add_inplace(graph.rest(), product, graph.values(numbers.some(kColumns), kColumns));
  return graph.compute(exact_gelu ? ggml_gelu_erf_inplace(graph.rest(), sum) : ggml_gelu_inplace(graph.rest(), sum),
                       settings);
}

/// The output layer: hre's reduction, or log-probabilities from the engine's logits.
std::vector<float> output_of(const std::vector<float>& weights, bool reduced) {
  Numbers numbers;
  numbers.some(kColumns * kDepth);  // the weights' own: equal rows would have log-probabilities of 0
  Graph graph;
  ggml_tensor* logits = ggml_mul_mat(graph.rest(), graph.weights(GGML_TYPE_F32, weights, kDepth),
                                     graph.values(numbers.some(kRows * kDepth), kDepth, kRows));
  ggml_set_name(logits, "result_output");
  std::vector<WantedLogit> wanted;
  for (int64_t row = 0; row < kRows; ++row) wanted.push_back({row, row * 7 % kColumns});
  if (reduced) return graph.compute(logits, settings_of(Precision::kF32), {.wanted = wanted, .n_rows = kRows});
  const std::vector<float> all = graph.compute(logits, {});
  std::vector<float> log_probs;
  for (size_t row = 0; row < all.size() / kColumns; ++row) {
    const float* of_row = all.data() + row * kColumns;
    double total = 0;
    for (int64_t i = 0; i < kColumns; ++i) total += std::exp(static_cast<double>(of_row[i]));
    log_probs.push_back(of_row[wanted[row].token] - static_cast<float>(std::log(total)));
  }
  return log_probs;
}

/// Grouped heads under a causal mask, with a soft cap and a sink.
std::vector<float> attention_of(const KernelSettings& settings) {
  Numbers numbers;
  Graph graph;
  ggml_tensor* q = graph.values(numbers.some(kWidth * kQueries * kHeads), kWidth, kQueries, kHeads);
  ggml_tensor* k = graph.values(numbers.some(kWidth * kKeys * kKeyHeads), kWidth, kKeys, kKeyHeads);
  ggml_tensor* v = graph.values(numbers.some(kWidth * kKeys * kKeyHeads), kWidth, kKeys, kKeyHeads);
  ggml_tensor* mask = ggml_new_tensor_2d(graph.rest(), GGML_TYPE_F16, kKeys, kQueries);
  for (int64_t row = 0; row < kQueries; ++row) {
    for (int64_t key = 0; key < kKeys; ++key) {
      const bool is_seen = key <= kKeys - kQueries + row;
      static_cast<ggml_fp16_t*>(mask->data)[row * kKeys + key] =
          ggml_fp32_to_fp16(is_seen ? 0 : -std::numeric_limits<float>::infinity());
    }
  }
  ggml_tensor* attention = ggml_flash_attn_ext(graph.rest(), q, k, v, mask, 0.9F, 0, 1.5F);
  ggml_flash_attn_ext_set_prec(attention, GGML_PREC_F32);
  ggml_flash_attn_ext_add_sinks(attention, graph.values(numbers.some(kHeads), kHeads));
  return graph.compute(attention, settings);
}

/// A root-mean-square norm with weights, as in libllama's graphs.
std::vector<float> norm_of(const KernelSettings& settings) {
  Numbers numbers;
  Graph graph;
  ggml_tensor* norm = ggml_rms_norm(graph.rest(), graph.values(numbers.some(kRows * kDepth), kDepth, kRows), 1e-5F);
  return graph.compute(ggml_mul_inplace(graph.rest(), norm, graph.values(numbers.some(kDepth), kDepth)), settings);
}

std::vector<std::string> find_faults() {
  std::vector<std::string> faults;
  const std::vector<float> weights = Numbers().some(kColumns * kDepth);
  for (const Way& way : kWays) {
    if (!can_multiply(way.precision)) continue;
    const std::vector<float> wide = rounded_to(way.type, weights, kDepth);
    for (const bool exact_gelu : {false, true}) {
      if (agree(product_of(way.type, weights, exact_gelu, settings_of(way.precision)),
                product_of(GGML_TYPE_F32, wide, exact_gelu, {}), way.tolerance)) {
        continue;
      }
      faults.push_back(fmt::format("products of {} weights in {}, with bias and GELU", ggml_type_name(way.type),
                                   name_of(way.precision)));
      break;
    }
  }
  if (!agree(output_of(weights, true), output_of(weights, false), 1e-4)) {
    faults.emplace_back("the output layer");
  }
  if (!agree(norm_of(settings_of(Precision::kF32)), norm_of({}), 1e-5)) faults.emplace_back("norms");
  KernelSettings attends;
  attends.attention = true;
  if (!agree(attention_of(attends), attention_of({}), 1e-4)) faults.emplace_back("attention");
  return faults;
}

}  // namespace

std::vector<std::string> self_check() {
  static std::mutex mutex;
  static NodeHook checked = nullptr;
  static std::vector<std::string> faults;
  const std::lock_guard lock(mutex);
  if (checked != hook_at_hand()) {
    faults = find_faults();
    checked = hook_at_hand();
  }
  return faults;
}

}  // namespace hre::fast
