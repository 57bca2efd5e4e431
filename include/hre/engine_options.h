#pragma once
/// Everything that a model can be opened with: ModelOptions, and what only the engine in process takes.

#include <stop_token>
#include <string>
#include <vector>

#include "hre/progress.h"
#include "hre/scorer.h"

namespace hre {

enum class CacheType { kF32, kF16, kQ8_0 };
enum class FlashAttention { kOff, kAuto, kOn };
/// Who computes a graph's products and attention on the CPU: hre's kernels, or the engine alone (kPlain).
enum class EngineKernels { kAuto, kPlain };
/// What hre's kernels multiply in: what the table of kernels has for the processor and the type of the weights, or
/// float32 with a float32 cache on any processor.
enum class ComputePrecision { kAuto, kExact };

/// A LoRA adapter: a GGUF file made for the model, and how much of it is added to the weights.
struct Adapter {
  std::string path;
  float scale = 1;
};

struct EngineOptions : ModelOptions {
  EngineOptions() = default;
  EngineOptions(const ModelOptions& options) : ModelOptions(options) {}  // implicit: the rest has defaults

  std::vector<Adapter> adapters;
  /// "none": the context is fed as it is. "auto": the context is a user's message in the model's own chat template,
  /// and the continuation the assistant's reply. Otherwise a file with a Jinja template.
  std::string chat_template = "none";
  std::string system;  ///< the system's message, with a chat template
  std::string date;    ///< YYYY-MM-DD: what a template that asks for today's date is told; empty: a fixed day
  bool one_pass_an_answer = false;  ///< the plain path, without anything shared between answers; for checks
  /// Products with narrow weights are computed as they are defined, in float32 and slowly; for checks.
  bool widens_weights = false;
  std::vector<std::string> devices;        ///< names of the devices to use; none: all
  std::vector<float> tensor_split;         ///< each device's part of the model; none: by their free memory
  CacheType cache_type = CacheType::kF32;  ///< of keys and values; less than f32 moves sums by hundredths of a nat
  FlashAttention flash_attention = FlashAttention::kOff;  ///< on a CPU it moves sums by hundredths of a nat
  EngineKernels kernels = EngineKernels::kAuto;
  ComputePrecision precision = ComputePrecision::kAuto;
  /// The weights stay on the disk and are read layer by layer for as many questions at once as the memory has room for:
  /// for models larger than it.
  bool stream_weights = false;
  bool numa = false;             ///< spread threads over the machine's memory nodes
  int workers = 1;               ///< processes that score, with one copy of the weights
  std::vector<std::string> rpc;  ///< HOST:PORT of libllama's RPC servers, which get layers
};

/// Opens MODEL: a .gguf path (any part of a split one), a checkpoint folder, server:URL, baseline:length or
/// baseline:zstd. What takes long, such as a conversion, is told to `progress` and ends where `stop` is asked.
Result<std::unique_ptr<Scorer>> open_model(const std::string& source, const EngineOptions& options,
                                           ProgressListener& progress, const std::stop_token& stop);

}  // namespace hre
