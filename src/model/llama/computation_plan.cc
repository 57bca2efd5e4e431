#include "model/llama/computation_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/cores.h"
#include "core/text.h"
#include "model/llama/architectures.h"
#include "model/llama/fast/kernel_table.h"
#include "model/llama/gelu.h"
#include "model/llama/rpc_servers.h"

namespace hre {
namespace {

constexpr int64_t kDeviceChunk = 2048;  // tokens that a GPU computes at once

constexpr const char* kExact = "‹precision› exact";

/// Refuses options that this machine does not support.
Status check_on(const EngineOptions& options, const Machine& machine) {
  if (options.precision == ComputePrecision::kExact) {
    if (!machine.has_kernels)
      return input_error("this build's engine does not let hre compute", kExact,
                         "build the engine with tools/setup.sh");
    if (!machine.devices.empty())
      return input_error("a device multiplies in its own precision", kExact,
                         "use ‹gpu_layers› 0 to compute on the CPU");
  }
  if (options.stream_weights && !machine.has_kernels)
    return input_error("this build's engine can't stream weights", "‹stream_weights›",
                       "build the engine with tools/setup.sh");
  return {};
}

/// Learned positions are limited; the engine would end the process for a position beyond them.
Status check_positions(const ModelFiles& files, const EngineOptions& options) {
  const GgufTensor* positions = files.tensor("position_embd.weight");
  if (positions == nullptr || positions->shape.size() < 2) return {};
  const int64_t asked = options.max_length > 0 ? options.max_length : files.main().of_layer("context_length", 0, 0);
  const int64_t learned = positions->shape[1];
  if (asked <= learned) return {};
  return input_error(
      fmt::format("{} tokens are more than the {} positions that {} has learned", asked, learned, files.parts.front()),
      "‹max_length›", fmt::format("give at most {}", learned));
}

/// hre's attention needs a float32 cache and no ALiBi: the mask for flash attention holds distances in half precision,
/// which is exact only up to 2,048 tokens. Devices don't compute flash attention on such a cache.
fast::KernelSettings kernels_for(const EngineOptions& options, const ArchitectureTraits& traits,
                                 const Machine& machine) {
  if (options.kernels == EngineKernels::kPlain || !machine.has_kernels) return {};
  fast::KernelSettings settings =
      options.precision == ComputePrecision::kExact ? fast::exact_row() : fast::table_row(machine.isa);
  settings.attention = options.cache_type == CacheType::kF32 && options.flash_attention == FlashAttention::kOff &&
                       !traits.has_alibi && machine.devices.empty();
  return settings;
}

/// The first layer on devices. Devices hold the last layers, and the output layer counts as one more.
int64_t first_device_layer(const EngineOptions& options, const Machine& machine, int64_t n_layers) {
  if (machine.devices.empty()) return n_layers + 1;
  const int64_t asked = options.gpu_layers < 0 ? n_layers + 1 : options.gpu_layers;
  return std::max<int64_t>(0, n_layers + 1 - asked);
}

/// The layer number in "blk.7.attn_q.weight". The output layer comes after the last layer; weights that are read row by
/// row come before all layers.
int64_t layer_of(const std::string& name, int64_t n_layers) {
  if (name.starts_with("token_embd") || name.starts_with("position_embd") || name.starts_with("token_types")) return -1;
  constexpr std::string_view kBlock = "blk.";
  int64_t layer = n_layers;
  if (name.starts_with(kBlock)) std::from_chars(name.data() + kBlock.size(), name.data() + name.size(), layer);
  return layer;
}

/// Divides the memory needs between the host's processes and the devices.
void plan_memory(const ModelFiles& files, const EngineOptions& options, const Machine& machine, ComputationPlan& plan) {
  const MemoryNeeds all = memory_needs(files, plan.rules);
  const int64_t n_layers = files.main().of_layer("block_count", 0, 0);
  const int64_t first = first_device_layer(options, machine, n_layers);
  uint64_t on_devices = 0;
  for (const GgufHeader& header : files.headers) {
    for (const GgufTensor& tensor : header.tensors) {
      if (first <= n_layers && layer_of(tensor.name, n_layers) >= first) on_devices += tensor.bytes;
    }
  }
  const auto layers = static_cast<uint64_t>(std::max<int64_t>(1, n_layers));
  const uint64_t held = first < n_layers ? static_cast<uint64_t>(n_layers - first) : 0;
  const auto processes = static_cast<uint64_t>(std::max(1, options.workers));
  plan.devices = {on_devices, all.cache / layers * held, on_devices > 0 ? all.compute : 0};
  // If all layers are elsewhere, the host still looks up embeddings.
  const uint64_t host_compute = first == 0 && on_devices > 0 ? 0 : all.compute * processes;
  plan.host = {all.weights - on_devices, (all.cache - plan.devices.cache) * processes, host_compute};
}

std::string describe_devices(const EngineOptions& options, const Machine& machine) {
  if (machine.devices.empty()) return "CPU";
  std::vector<std::string> names;
  for (const UsedDevice& device : machine.devices) names.push_back(device.description);
  const std::string layers = options.gpu_layers < 0 ? "all" : std::to_string(options.gpu_layers);
  std::vector<std::string> shares;
  for (const float share : options.tensor_split) shares.push_back(fmt::format("{}", share));
  return join(names) + " (" + layers + " layers" + (shares.empty() ? "" : ", split " + join(shares, ":")) + ")";
}

/// The error for a shortage of memory: where, how much is needed for what, and how much is free.
std::string shortage(const MemoryNeeds& needs, uint64_t available, const std::string& where) {
  return fmt::format("needs about {} of {} ({} weights, {} cache, {} to compute), but {} is free",
                     format_bytes(needs.total()), where, format_bytes(needs.weights), format_bytes(needs.cache),
                     format_bytes(needs.compute), format_bytes(available));
}

}  // namespace

Result<Machine> this_machine(const EngineOptions& options) {
  if (auto ok = fast::check_isa_cap(); !ok) return forward(ok);
  auto devices = used_devices(options);
  if (!devices) return forward(devices);
  return Machine{fast::isa(), fast::engine_asks(), usable_cores(), available_memory(), std::move(*devices)};
}

Status check_together(const EngineOptions& options) {
  const bool plain = options.kernels == EngineKernels::kPlain;
  if (options.precision == ComputePrecision::kExact) {
    if (plain)
      return input_error("the engine's own kernels round to 8 bits", kExact, "leave out ‹engine_kernels› plain");
    if (options.cache_type != CacheType::kF32)
      return input_error("the cache must be float32", kExact, "leave out ‹kv_type›");
    if (options.flash_attention != FlashAttention::kOff)
      return input_error("the engine's flash attention rounds", kExact, "leave out ‹flash_attention›");
  }
  if (options.stream_weights && plain)
    return input_error("can't stream weights", "‹engine_kernels› plain", "leave it out");
  if (options.stream_weights && !options.rpc.empty())
    return input_error("streamed weights can't have layers on other machines", "‹rpc›",
                       "leave out ‹stream_weights› or ‹rpc›");
  return {};
}

Result<ComputationPlan> plan_computation(const ModelFiles& files, const EngineOptions& options,
                                         const Machine& machine) {
  if (auto ok = check_together(options); !ok) return forward(ok);
  if (auto ok = check_on(options, machine); !ok) return forward(ok);
  if (auto ok = check_positions(files, options); !ok) return forward(ok);
  const std::string architecture = files.architecture();
  const ArchitectureTraits traits = traits_of(architecture);
  const GgufHeader& header = files.main();
  ComputationPlan plan;
  plan.device = describe_devices(options, machine);
  ComputationRules& rules = plan.rules;
  rules.passes.mode = options.one_pass_an_answer ? Passes::kPerAnswer
                      : traits.has_state         ? Passes::kCopied
                                                 : Passes::kShared;
  if (files.tensor("rope_factors_long.weight") != nullptr ||
      files.tensor("blk.0.rope_factors_long.weight") != nullptr) {
    rules.passes.long_above = header.number(architecture + ".rope.scaling.original_context_length", 0);
  }
  if (!traits.applies_window) rules.window = header.of_layer("attention.sliding_window", 0, 0);
  rules.passes.most_positions = pass_tokens(files.tensor_bytes(), cache_bytes_a_token(files, CacheType::kF32));
  rules.has_encoder = traits.has_encoder;
  if (architecture == "t5" && files.tensor("output.weight") == nullptr) {
    // Raffel et al. 2020: tied embeddings are scaled down.
    rules.logit_scale = 1 / std::sqrt(static_cast<float>(header.of_layer("embedding_length", 0, 1)));
  }
  rules.threads = options.threads > 0 ? options.threads : machine.cores;
  rules.widens_weights = options.widens_weights;
  rules.gelu_is_erf = gelu_form(header, files.parts.front()).value_or(GeluForm()).is_erf;
  rules.cache_type = options.cache_type;
  rules.flash_attention = options.flash_attention;
  rules.fast = kernels_for(options, traits, machine);
  plan.may_repack = !rules.fast.products && !options.stream_weights && !options.widens_weights;
  rules.on_device = first_device_layer(options, machine, header.of_layer("block_count", 0, 0)) == 0 &&
                    options.kernels != EngineKernels::kPlain;
  // The engine always reserves room for T5's logits.
  rules.reduces_output = (rules.fast.products || rules.on_device) && !rules.has_encoder && machine.has_kernels;
  rules.chunk = chunk_tokens(files, rules);
  if (rules.on_device) rules.chunk = kDeviceChunk;
  if (options.chunk > 0) rules.chunk = options.chunk;
  // On a GPU, rounding may depend on the neighbouring rows, but a single question would leave it idle. An RPC server
  // may be a CPU.
  rules.groups_questions =
      ((rules.on_device && options.rpc.empty()) || (rules.fast.attention && rules.fast.products)) &&
      !rules.has_encoder && rules.passes.mode == Passes::kShared && rules.passes.long_above == 0 && rules.window == 0;
  plan_memory(files, options, machine, plan);
  if (options.stream_weights) {
    auto room = room_to_stream(files, options, machine.free_memory, files.parts.front());
    if (!room) return forward(room);
    plan.streams_weights = true;
    plan.host.weights = room->weights;
    rules.chunk = rules.passes.most_positions = room->tokens;
  }
  return plan;
}

Status check_memory(const ComputationPlan& plan, const Machine& machine, const EngineOptions& options,
                    const std::string& path) {
  if (plan.streams_weights || !options.rpc.empty()) return {};
  uint64_t device_memory = 0;
  for (const UsedDevice& device : machine.devices) device_memory += device.free_memory;
  if (!machine.devices.empty() && plan.devices.total() > device_memory) {
    return input_error(shortage(plan.devices, device_memory, "the devices' memory"), path,
                       "‹gpu_layers› N leaves some layers to the CPU; files of a smaller type need less");
  }
  if (!machine.free_memory || plan.host.total() <= *machine.free_memory) return {};
  const std::string problem = shortage(plan.host, *machine.free_memory, "memory");
  if (options.workers > 1) return input_error(problem, path, "use fewer ‹workers›");
  MemoryNeeds smaller = plan.host;
  smaller.cache /= 2;
  if (options.cache_type == CacheType::kF32 && smaller.total() <= *machine.free_memory &&
      options.precision == ComputePrecision::kAuto) {
    return input_error(problem, path, fmt::format("‹kv_type› f16 needs about {}", format_bytes(smaller.total())));
  }
  return input_error(
      problem, path,
      "‹stream_weights› reads them layer by layer; files of a smaller type, such as Q8_0 or Q4_K_M, need less");
}

Status check_traits(const llama_model* model, const ModelFiles& files) {
  const ArchitectureTraits traits = traits_of(files.architecture());
  const bool states_window = files.main().of_layer("attention.sliding_window", 0, 0) > 0;
  const bool agrees = traits.has_state == (llama_model_is_recurrent(model) || llama_model_is_hybrid(model)) &&
                      traits.has_encoder == llama_model_has_encoder(model) &&
                      (!states_window || traits.applies_window == (llama_model_n_swa(model) > 0));
  if (agrees) return {};
  return fail(
      ErrorCode::kFailed,
      fmt::format("this engine computes the architecture {} differently than hre expects", files.architecture()),
      files.parts.front(), "build hre with its own engine (tools/setup.sh engine)");
}

}  // namespace hre
