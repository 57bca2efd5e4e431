#pragma once
/// The instruction sets that hre has kernels for, and which of them this process uses.

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "hre/result.h"

namespace hre::fast {

/// Ascending: a processor of one level has the instructions of all levels before it.
enum class Isa : uint8_t {
  kBaseline,    ///< what the compiler assumes of any processor
  kAvx2,        ///< with FMA and F16C
  kAvx512,      ///< F, BW, DQ and VL
  kAvx512Vnni,  ///< multiplies pairs of 16-bit integers and adds them up in one instruction
  kAvx512Bf16,
  kAmx,  ///< tiles of bfloat16
};

/// "baseline", "AVX2", "AVX-512", "AVX-512 VNNI", "AVX-512 BF16", "AMX".
const char* name_of(Isa isa);

/// What this process uses: the processor's level, or a lower one that ONEDNN_MAX_CPU_ISA names. That is oneDNN's own
/// variable, read by both, so that one cap holds for all products: SSE41, AVX2, AVX512_CORE, AVX512_CORE_VNNI,
/// AVX512_CORE_BF16, AVX512_CORE_AMX. The engine's own nodes (normalisation, rotary positions) stay as they were built.
/// Read once; constant from then on.
Isa isa();

/// An input error where ONEDNN_MAX_CPU_ISA has a value that hre doesn't know: a cap that is misspelt would not hold.
Status check_isa_cap();

/// The level that a value of ONEDNN_MAX_CPU_ISA caps at; nothing for an unknown value.
std::optional<Isa> parse_isa_cap(const std::string& value);

}  // namespace hre::fast
