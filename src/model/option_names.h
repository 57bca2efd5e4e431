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

}  // namespace hre
