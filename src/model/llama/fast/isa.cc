#include "model/llama/fast/isa.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#endif

#include "model/llama/fast/products.h"

namespace hre::fast {
namespace {

constexpr const char* kVariable = "ONEDNN_MAX_CPU_ISA";

struct CapName {
  const char* name;
  Isa isa;
};

// oneDNN's names. Other levels in between (AVX2_VNNI, AVX512_CORE_FP16) offer nothing that hre's kernels use.
constexpr std::array<CapName, 12> kCaps = {{{"SSE41", Isa::kBaseline},
                                            {"AVX", Isa::kBaseline},
                                            {"AVX2", Isa::kAvx2},
                                            {"AVX2_VNNI", Isa::kAvx2},
                                            {"AVX2_VNNI_2", Isa::kAvx2},
                                            {"AVX512_CORE", Isa::kAvx512},
                                            {"AVX512_CORE_VNNI", Isa::kAvx512Vnni},
                                            {"AVX512_CORE_BF16", Isa::kAvx512Bf16},
                                            {"AVX512_CORE_FP16", Isa::kAvx512Bf16},
                                            {"AVX512_CORE_AMX", Isa::kAmx},
                                            {"AVX512_CORE_AMX_FP16", Isa::kAmx},
                                            {"DEFAULT", Isa::kAmx}}};

#if defined(__x86_64__) && defined(__GNUC__)
// Conversions of float16; clang 14's __builtin_cpu_supports does not know the name.
bool has_f16c() {
  unsigned eax, ebx, ecx, edx;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}
#endif

Isa isa_of_processor() {
#if defined(__x86_64__) && defined(__GNUC__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !has_f16c()) return Isa::kBaseline;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq")) {
    return Isa::kAvx2;
  }
  if (!__builtin_cpu_supports("avx512vnni")) return Isa::kAvx512;
  if (!__builtin_cpu_supports("avx512bf16")) return Isa::kAvx512Vnni;
  return multiplies_in_tiles() ? Isa::kAmx : Isa::kAvx512Bf16;
#else
  return Isa::kBaseline;
#endif
}

const char* cap_value() {
  const char* value = std::getenv(kVariable);
  return value == nullptr || *value == '\0' ? nullptr : value;
}

}  // namespace

const char* name_of(Isa isa) {
  switch (isa) {
    case Isa::kAvx2:
      return "AVX2";
    case Isa::kAvx512:
      return "AVX-512";
    case Isa::kAvx512Vnni:
      return "AVX-512 VNNI";
    case Isa::kAvx512Bf16:
      return "AVX-512 BF16";
    case Isa::kAmx:
      return "AMX";
    case Isa::kBaseline:
      break;
  }
  return "baseline";
}

std::optional<Isa> parse_isa_cap(const std::string& value) {
  std::string upper = value;
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
  for (const CapName& cap : kCaps) {
    if (upper == cap.name) return cap.isa;
  }
  return {};
}

Status check_isa_cap() {
  const char* value = cap_value();
  if (value == nullptr || parse_isa_cap(value)) return {};
  return input_error(std::string(kVariable) + "=" + value + " names no instruction set that hre knows", "",
                     "choose SSE41, AVX2, AVX512_CORE, AVX512_CORE_VNNI, AVX512_CORE_BF16 or AVX512_CORE_AMX");
}

Isa isa() {
  static const Isa used = [] {
    const char* value = cap_value();
    const std::optional<Isa> cap = value == nullptr ? std::nullopt : parse_isa_cap(value);
    return cap ? std::min(*cap, isa_of_processor()) : isa_of_processor();
  }();
  return used;
}

}  // namespace hre::fast
