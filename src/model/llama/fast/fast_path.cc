#include "model/llama/fast/fast_path.h"

#include <fmt/format.h>
#include <ggml-cpu.h>
#include <ggml.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>

#include "core/text.h"
#include "model/llama/fast/attention_node.h"
#include "model/llama/fast/isa.h"
#include "model/llama/fast/kernel_table.h"
#include "model/llama/fast/kernels.h"
#include "model/llama/fast/node_work.h"
#include "model/llama/fast/product_node.h"
#include "model/llama/fast/reference_products.h"
#include "model/llama/fast/self_check.h"
#include "model/llama/fast/weight_stream.h"
#include "model/speed.h"

namespace hre::fast {
namespace {

using Clock = std::chrono::steady_clock;

/// The hook's view of the current call; written before a graph is computed, and read afterwards.
struct Current {
  KernelSettings settings;
  std::span<const int64_t> starts;
  WeightStream* stream = nullptr;
  bool widens_weights = false;
  Reduction reduction;
  bool reduces = false;
  EngineWork work;
};
Current current;  // belongs to the call that holds the EngineLock
thread_local bool with_others = false;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

bool computes_nodes(const KernelSettings& settings) { return settings.products || settings.attention; }

/// Computes an activation that does not follow one of hre's products.
bool compute_activation(const ggml_tensor* node, const Worker& worker) {
  const Activation activation = activation_of(node);
  const ggml_tensor* from = node->src[0];
  if (activation == Activation::kNone || from->type != GGML_TYPE_F32 || node->type != GGML_TYPE_F32 ||
      !ggml_is_contiguous(from) || !ggml_is_contiguous(node)) {
    return false;
  }
  const int64_t rows = ggml_nrows(node), first = rows * worker.index / worker.count;
  const int64_t last = rows * (worker.index + 1) / worker.count, at = first * node->ne[0];
  auto* to = static_cast<float*>(node->data) + at;
  const float* values = static_cast<const float*>(from->data) + at;
  if (to != values) std::copy_n(values, (last - first) * node->ne[0], to);
  kernels().finish(to, static_cast<size_t>(last - first), static_cast<size_t>(node->ne[0]), nullptr, activation,
                   static_cast<size_t>(node->ne[0]));
  return true;
}

/// Computes a gated activation, whose gates and values are in two tensors or in the halves of one.
bool compute_gate(const ggml_tensor* node, const Worker& worker) {
  const ggml_tensor *gates = node->src[0], *ups = node->src[1];
  std::optional<Gate> gate;
  switch (ggml_get_glu_op(node)) {
    case GGML_GLU_OP_SWIGLU:
      gate = Gate::kSilu;
      break;
    case GGML_GLU_OP_GEGLU:
      gate = Gate::kGeluTanh;
      break;
    case GGML_GLU_OP_GEGLU_ERF:
      gate = Gate::kGeluErf;
      break;
    default:
      return false;
  }
  if (gates->type != GGML_TYPE_F32 || node->type != GGML_TYPE_F32 || !ggml_is_contiguous_1(gates) ||
      !ggml_is_contiguous_1(node) || (ups != nullptr && (ups->type != GGML_TYPE_F32 || !ggml_is_contiguous_1(ups)))) {
    return false;
  }
  const int64_t width = node->ne[0], rows = ggml_nrows(node);
  const bool swapped = node->op_params[1] != 0;
  const auto row_of = [](const ggml_tensor* tensor, int64_t row) {
    return reinterpret_cast<float*>(static_cast<char*>(tensor->data) + static_cast<size_t>(row) * tensor->nb[1]);
  };
  for (int64_t row = rows * worker.index / worker.count; row < rows * (worker.index + 1) / worker.count; ++row) {
    const float* gate_row = row_of(gates, row);
    const float* up_row = ups == nullptr ? gate_row + (swapped ? 0 : width) : row_of(ups, row);
    if (ups == nullptr && swapped) gate_row += width;
    kernels().gate(*gate, gate_row, up_row, static_cast<size_t>(width), row_of(node, row));
  }
  return true;
}

/// Whether the node multiplies a row-wise norm by weights in place, so that both can be computed as one.
bool weights_norm(const ggml_tensor* node, const ggml_tensor* norm) {
  const ggml_tensor* weights = node->src[1];
  return node->op == GGML_OP_MUL && node->src[0] == norm && node->data == norm->data &&
         ggml_are_same_shape(node, norm) && ggml_are_same_stride(node, norm) && weights->type == GGML_TYPE_F32 &&
         weights->ne[0] == norm->ne[0] && ggml_nelements(weights) == weights->ne[0] &&
         weights->nb[0] == sizeof(float) && weights->data != norm->data;
}

/// Computes a root-mean-square norm, and the weights after it. Returns the number of nodes.
int compute_norm(ggml_cgraph* graph, int index, const Worker& worker) {
  const ggml_tensor* node = ggml_graph_node(graph, index);
  const ggml_tensor* from = node->src[0];
  if (from->type != GGML_TYPE_F32 || node->type != GGML_TYPE_F32 || from->nb[0] != sizeof(float) ||
      node->nb[0] != sizeof(float)) {
    return 0;
  }
  const ggml_tensor* next = index + 1 < ggml_graph_n_nodes(graph) ? ggml_graph_node(graph, index + 1) : nullptr;
  const bool weighted = next != nullptr && weights_norm(next, node);
  float epsilon = 0;
  std::memcpy(&epsilon, node->op_params, sizeof epsilon);
  const auto row_of = [](const ggml_tensor* tensor, int64_t row) {
    const int64_t i = row % tensor->ne[1], j = row / tensor->ne[1] % tensor->ne[2],
                  k = row / (tensor->ne[1] * tensor->ne[2]);
    return reinterpret_cast<float*>(static_cast<char*>(tensor->data) + static_cast<size_t>(i) * tensor->nb[1] +
                                    static_cast<size_t>(j) * tensor->nb[2] + static_cast<size_t>(k) * tensor->nb[3]);
  };
  const int64_t rows = ggml_nrows(node);
  for (int64_t row = rows * worker.index / worker.count; row < rows * (worker.index + 1) / worker.count; ++row) {
    kernels().rms_norm(row_of(from, row), static_cast<size_t>(node->ne[0]), epsilon,
                       weighted ? static_cast<const float*>(next->src[1]->data) : nullptr, row_of(node, row));
  }
  return weighted ? 2 : 1;
}

int compute_product(ggml_cgraph* graph, int index, const Worker& worker) {
  const bool is_output = current.reduces && std::strcmp(ggml_graph_node(graph, index)->name, "result_output") == 0;
  const auto found = product_at(graph, index, current.settings);
  if (!found || (is_output && found->m != current.reduction.n_rows)) return 0;
  const ProductNode& product = *found;
  const auto start = Clock::now();
  compute(product, worker, is_output ? &current.reduction : nullptr);
  if (worker.index != 0) return product.n_nodes;
  WorkCount& count = is_output ? current.work.output : current.work.products;
  count.seconds += seconds_since(start);
  count.operations[product.precision] +=
      2.0 * static_cast<double>(product.m) * static_cast<double>(product.n) * static_cast<double>(product.k);
  if (is_output) current.reduction.done = true;
  return product.n_nodes;
}

std::atomic<NodeHook> hook = compute_here;

void prepare(Reduction& reduction, std::span<WantedLogit> wanted, int64_t n_rows) {
  reduction.wanted = wanted;
  reduction.done = false;
  reduction.n_rows = n_rows;
  reduction.first_wanted.assign(static_cast<size_t>(n_rows) + 1, wanted.size());
  for (size_t i = wanted.size(); i-- > 0;) reduction.first_wanted[static_cast<size_t>(wanted[i].row)] = i;
  for (size_t row = static_cast<size_t>(n_rows); row-- > 0;) {
    reduction.first_wanted[row] = std::min(reduction.first_wanted[row], reduction.first_wanted[row + 1]);
  }
}

EngineSwitches switches_for(const KernelSettings& settings, const Wishes& wishes) {
  return {.node_hook = hook.load(),
          .keeps_cache_type = settings.attention,
          .has_no_logits = !wishes.wanted.empty(),
          .gelu_is_erf = wishes.gelu_is_erf};
}

int compute_node(ggml_cgraph* graph, int index, int thread, int n_threads, ggml_threadpool* pool) {
  const Worker worker{thread, n_threads, pool};
  with_others = n_threads > 1;
  const ggml_tensor* node = ggml_graph_node(graph, index);
  // Other threads may continue meanwhile: if they touch pages that are not read yet, they wait for those pages.
  if (current.stream != nullptr && thread == 0) current.stream->reach(node);
  if (current.widens_weights && compute_reference(node, worker)) return 1;
  switch (node->op) {
    case GGML_OP_MUL_MAT:
    case GGML_OP_MUL_MAT_ID:
      return current.settings.products ? compute_product(graph, index, worker) : 0;
    case GGML_OP_FLASH_ATTN_EXT: {
      auto attention = current.settings.attention ? attention_at(node) : std::nullopt;
      if (!attention) return 0;
      attention->starts = current.starts;
      const auto start = Clock::now();
      const double operations = compute(*attention, worker);
      if (thread != 0) return 1;
      current.work.attention.seconds += seconds_since(start);
      current.work.attention.operations[Precision::kF32] += operations;
      return 1;
    }
    case GGML_OP_RMS_NORM:
      return computes_nodes(current.settings) ? compute_norm(graph, index, worker) : 0;
    case GGML_OP_UNARY:
      return computes_nodes(current.settings) && compute_activation(node, worker) ? 1 : 0;
    case GGML_OP_GLU:
      return computes_nodes(current.settings) && compute_gate(node, worker) ? 1 : 0;
    default:
      return 0;
  }
}

}  // namespace

int compute_here(ggml_cgraph* graph, int index, int thread, int n_threads, ggml_threadpool* pool) {
  take_from_other_threads();
  const int computed = compute_node(graph, index, thread, n_threads, pool);
  give_to_other_threads();
  return computed;
}

void Worker::wait_for_all() const {
  if (count > 1) wait_for_threads(pool);
}

bool engine_asks() { return engine_patch() != 0 && self_check().empty(); }

std::string kernel_problem() {
  if (engine_patch() == 0) return "";
  const std::vector<std::string> faults = self_check();
  if (faults.empty()) return "";
  return "hre's own kernels are wrong on this machine (" + join(faults, "; ") + "): the engine computes everything";
}

bool computes_with_others() { return with_others; }

NodeHook hook_at_hand() { return hook; }

NodeHook exchange_hook(NodeHook other) { return hook.exchange(other); }

std::string describe(const KernelSettings& settings) {
  if (!settings.products && !settings.attention) return "the engine's";
  std::string text = fmt::format("version {}, {}", kKernelsVersion, name_of(isa()));
  if (settings.products) {
    text += fmt::format(", f32 by f32, bf16 by {}, Q8_0 by {}, other quantised by {}", name_of(settings.bf16),
                        name_of(settings.q8_0), name_of(settings.quantised));
    const bool by_onednn = settings.bf16 == Precision::kBf16 || settings.q8_0 == Precision::kBf16 ||
                           settings.quantised == Precision::kBf16;
    if (by_onednn) text += std::string(", ") + onednn_version();
  }
  return text + (settings.attention ? ", attention by parts" : "");
}

EngineCall::EngineCall(const KernelSettings& settings, const Wishes& wishes)
    : lock_(switches_for(settings, wishes)), start_(Clock::now()) {
  current.settings = settings;
  current.starts = wishes.starts;
  current.stream = wishes.stream;
  current.widens_weights = wishes.widens_weights;
  current.reduces = !wishes.wanted.empty();
  if (current.reduces) prepare(current.reduction, wishes.wanted, wishes.n_rows);
  forget_masks();
  forget_rounded_rows();
}

EngineCall::~EngineCall() {
  with_others = false;
  current.work.total_seconds += seconds_since(start_);
  if (computed_) current.work.host_seconds += seconds_since(*computed_);
}

void EngineCall::computed() { computed_ = Clock::now(); }

bool EngineCall::reduced() const { return current.reduces && current.reduction.done; }

double EngineCall::log_sum_exp(int64_t row) const {
  const auto n = static_cast<size_t>(current.reduction.n_blocks), at = static_cast<size_t>(row) * n;
  const float* maxima = current.reduction.maxima.data() + at;
  const float* sums = current.reduction.sums.data() + at;
  const float largest = *std::max_element(maxima, maxima + n);
  double total = 0;
  for (size_t i = 0; i < n; ++i)
    total += static_cast<double>(sums[i]) * std::exp(static_cast<double>(maxima[i] - largest));
  return static_cast<double>(largest) + std::log(total);
}

}  // namespace hre::fast

namespace hre {

EngineWork engine_work() {
  const fast::EngineLock lock;
  return fast::current.work;
}

}  // namespace hre
