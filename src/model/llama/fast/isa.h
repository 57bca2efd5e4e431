#pragma once
/// The instruction sets for which hre has kernels, and the one that this process uses.

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "hre/result.h"

namespace hre::fast {

/// Ascending: a processor of one level has the instructions of all lower levels.
enum class Isa : uint8_t {
  kBaseline,    ///< what the compiler may assume about any processor
  kAvx2,        ///< with FMA and F16C
  kAvx512,      ///< F, BW, DQ and VL
  kAvx512Vnni,  ///< multiplies and adds up pairs of 16-bit integers in one instruction
  kAvx512Bf16,
  kAmx,  ///< tiles of bfloat16
};

/// "baseline", "AVX2", "AVX-512", "AVX-512 VNNI", "AVX-512 BF16", "AMX".
const char* name_of(Isa isa);

/// The level that this process uses: the processor's, or a lower one that ONEDNN_MAX_CPU_ISA names. This is oneDNN's
/// own variable, and both programs read it, so that one cap holds for all products: SSE41, AVX2, AVX512_CORE,
/// AVX512_CORE_VNNI, AVX512_CORE_BF16, AVX512_CORE_AMX. The engine's own nodes (normalisation, rotary positions) stay
/// as they were built. Read once; constant from then on.
Isa isa();

/// An input error if ONEDNN_MAX_CPU_ISA has an unknown value: a misspelt cap would have no effect.
Status check_isa_cap();

/// The level that a value of ONEDNN_MAX_CPU_ISA sets as the cap; nothing for an unknown value.
std::optional<Isa> parse_isa_cap(const std::string& value);

}  // namespace hre::fast
