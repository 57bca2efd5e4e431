#pragma once
/// The names of a model's options: on the command line, in Python, and in the settings that runs record.

#include "core/named.h"
#include "hre/engine_options.h"

namespace hre {

inline constexpr Named<BosPolicy> kBosPolicies[] = {
    {"never", BosPolicy::kNever}, {"auto", BosPolicy::kAuto}, {"always", BosPolicy::kAlways}};
inline constexpr Named<LongAnswers> kLongAnswers[] = {
    {"error", LongAnswers::kError}, {"truncate", LongAnswers::kTruncate}, {"skip", LongAnswers::kSkip}};
inline constexpr Named<CacheType> kCacheTypes[] = {
    {"f32", CacheType::kF32}, {"f16", CacheType::kF16}, {"q8_0", CacheType::kQ8_0}};
inline constexpr Named<FlashAttention> kFlashAttentions[] = {
    {"on", FlashAttention::kOn}, {"off", FlashAttention::kOff}, {"auto", FlashAttention::kAuto}};
inline constexpr Named<EngineKernels> kEngineKernels[] = {{"auto", EngineKernels::kAuto},
                                                          {"plain", EngineKernels::kPlain}};
inline constexpr Named<ComputePrecision> kComputePrecisions[] = {{"auto", ComputePrecision::kAuto},
                                                                 {"exact", ComputePrecision::kExact}};

/// Why a kind of model has no use for an option; null where it takes it.
struct OptionUse {
  const char* name;  ///< as messages have it
  bool (*given)(const EngineOptions& options);
  const char* not_by_server;
  const char* not_by_baseline;
  const char* next;  ///< what to do instead, behind a server
};

/// Every option that only some kinds of models take. An option must not be ignored silently, so a kind that does
/// not take it must refuse it. Not here: those that bound what is used and move no value (threads, workers of a
/// baseline, what concerns the connection to a server).
inline constexpr char kByServer[] = "a server computes by its own settings";
inline constexpr char kNoModel[] = "a baseline has no model to apply it to";
inline constexpr OptionUse kOptionUses[] = {
    {"‹workers›", [](const EngineOptions& o) { return o.workers > 1; }, "a server gets many requests at once anyway",
     nullptr, "‹max_concurrency› bounds them"},
    {"‹chat_template›", [](const EngineOptions& o) { return o.chat_template != "none"; },
     "a server is asked for the log-probabilities of plain text", kNoModel,
     "write the template's text into a ‹prompt_file›"},
    {"‹system›", [](const EngineOptions& o) { return !o.system.empty(); }, "a server is asked without a chat template",
     kNoModel, ""},
    {"‹date›", [](const EngineOptions& o) { return !o.date.empty(); }, "a server is asked without a chat template",
     kNoModel, ""},
    {"‹stream_weights›", [](const EngineOptions& o) { return o.stream_weights; }, "a server holds the weights itself",
     kNoModel, ""},
    {"‹rpc›", [](const EngineOptions& o) { return !o.rpc.empty(); }, "a server spreads a model over machines itself",
     kNoModel, ""},
    {"‹lora›", [](const EngineOptions& o) { return !o.adapters.empty(); }, "a server loads its adapters itself",
     kNoModel, "name the adapter with server:URL,model=NAME"},
    {"‹bos›", [](const EngineOptions& o) { return o.bos != BosPolicy::kNever; }, nullptr, kNoModel, ""},
    {"‹max_length›", [](const EngineOptions& o) { return o.max_length != 0; }, nullptr, kNoModel, ""},
    {"‹long_answers›", [](const EngineOptions& o) { return o.long_answers != LongAnswers::kError; }, nullptr, kNoModel,
     ""},
    {"‹kv_type›", [](const EngineOptions& o) { return o.cache_type != CacheType::kF32; }, kByServer, kNoModel, ""},
    {"‹precision›", [](const EngineOptions& o) { return o.precision != ComputePrecision::kAuto; }, kByServer, kNoModel,
     ""},
    {"‹flash_attention›", [](const EngineOptions& o) { return o.flash_attention != FlashAttention::kOff; }, kByServer,
     kNoModel, ""},
    {"‹engine_kernels›", [](const EngineOptions& o) { return o.kernels != EngineKernels::kAuto; }, kByServer, kNoModel,
     ""},
    {"‹gpu_layers›", [](const EngineOptions& o) { return o.gpu_layers != ModelOptions().gpu_layers; }, kByServer,
     kNoModel, ""},
    {"‹device›", [](const EngineOptions& o) { return !o.devices.empty(); }, kByServer, kNoModel, ""},
    {"‹tensor_split›", [](const EngineOptions& o) { return !o.tensor_split.empty(); }, kByServer, kNoModel, ""},
    {"‹numa›", [](const EngineOptions& o) { return o.numa; }, kByServer, kNoModel, ""},
};

}  // namespace hre
