#pragma once
/// All options for opening a model: ModelOptions, and those that apply only to the engine in process.
///
/// An example, which the tests run:
///
///   hre::EngineOptions options;
///   options.precision = hre::ComputePrecision::kExact;
///   options.adapters = {{"adapter.gguf", 0.5F}};
///   hre::SilentProgress progress;
///   auto model = hre::open_model("baseline:length", options, progress, {});  // which has no weights to adapt
///   if (!model) std::printf("%s\n", model.error().where.c_str());  // prints: ‹lora›

#include <stop_token>
#include <string>
#include <vector>

#include "hre/progress.h"
#include "hre/scorer.h"

namespace hre {

enum class CacheType { kF32, kF16, kQ8_0 };
enum class FlashAttention { kOff, kAuto, kOn };
/// Who computes a graph's products and attention on the CPU: hre's kernels, or only the engine (kPlain).
enum class EngineKernels { kAuto, kPlain };
/// The numbers that hre's kernels multiply: those that the table of kernels has for the processor and the type of the
/// weights, or float32 with a float32 cache on any processor.
enum class ComputePrecision { kAuto, kExact };

/// A LoRA adapter: a GGUF file made for the model, and the scale with which it is added to the weights.
struct Adapter {
  std::string path;
  float scale = 1;
};

struct EngineOptions : ModelOptions {
  EngineOptions() = default;
  EngineOptions(const ModelOptions& options) : ModelOptions(options) {}  // implicit: the rest has defaults

  std::vector<Adapter> adapters;
  /// "none": the context is passed on unchanged. "auto": the context becomes the user's message in the model's own chat
  /// template, and the continuation the assistant's reply. Any other value: a file with a Jinja template.
  std::string chat_template = "none";
  std::string system;  ///< the system message; needs a chat template
  std::string date;    ///< YYYY-MM-DD: the answer to a template that asks for today's date; empty: a fixed day
  bool one_pass_an_answer = false;  ///< the plain path, which shares nothing between answers; for checks
  /// Widens narrow weights to float32 before multiplying, which is slow; for checks.
  bool widens_weights = false;
  int64_t chunk = 0;  ///< tokens computed at once; 0: as many as suit the model. No value depends on it; for checks
  std::vector<std::string> devices;        ///< names of the devices to use; empty: all
  std::vector<float> tensor_split;         ///< each device's share of the model; empty: by their free memory
  CacheType cache_type = CacheType::kF32;  ///< of the KV cache; less than f32 changes sums by hundredths of a nat
  FlashAttention flash_attention = FlashAttention::kOff;  ///< on a CPU it changes sums by hundredths of a nat
  EngineKernels kernels = EngineKernels::kAuto;
  ComputePrecision precision = ComputePrecision::kAuto;
  /// Keeps the weights on the disk and reads them layer by layer, for as many questions at once as memory allows: for
  /// models larger than the memory.
  bool stream_weights = false;
  bool numa = false;             ///< spread threads over the machine's NUMA nodes
  int workers = 1;               ///< scoring processes, which share one copy of the weights
  std::vector<std::string> rpc;  ///< HOST:PORT of libllama's RPC servers, which are given layers
};

/// Opens MODEL: a .gguf path (any part of a split file), a checkpoint folder, server:URL, baseline:length or
/// baseline:zstd. Long work, such as a conversion, reports to `progress` and ends when `stop` is requested.
Result<std::unique_ptr<Scorer>> open_model(const std::string& source, const EngineOptions& options,
                                           ProgressListener& progress, const std::stop_token& stop);

}  // namespace hre
