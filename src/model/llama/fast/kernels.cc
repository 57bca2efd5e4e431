#include "model/llama/fast/kernels.h"

#include <algorithm>
#include <array>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "model/llama/fast/isa.h"

namespace hre::fast {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi"                // vectors are only passed to inlined functions
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12 warns about its own _mm512 functions (bug 105593)
#pragma GCC diagnostic ignored "-Wuninitialized"

namespace narrow {
#define HRE_NAME "generic"
#define HRE_LANES 4
#ifdef __aarch64__  // 32 vector registers
#define HRE_TILE_ROWS 6
#define HRE_TILE_VECTORS 4
#else
#define HRE_TILE_ROWS 3
#define HRE_TILE_VECTORS 2
#endif
namespace {
#include "model/llama/fast/kernels_body.inc"
}
}  // namespace narrow

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
#define HRE_NAME "AVX2"
#define HRE_LANES 8
#define HRE_TILE_ROWS 6
#define HRE_TILE_VECTORS 2
namespace {
#include "model/llama/fast/kernels_body.inc"
}
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")
namespace avx512 {
#define HRE_NAME "AVX-512"
#define HRE_LANES 16
#define HRE_TILE_ROWS 6
#define HRE_TILE_VECTORS 4
namespace {
#include "model/llama/fast/kernels_body.inc"
}
}  // namespace avx512
#pragma GCC pop_options
#define HRE_HAS_WIDE_KERNELS 1
#endif

#pragma GCC diagnostic pop

const Kernels* const* all_kernels(size_t& n) {
#ifdef HRE_HAS_WIDE_KERNELS
  static const std::array<const Kernels*, 3> all = {&narrow::kTable, &avx2::kTable, &avx512::kTable};
  n = static_cast<size_t>(std::min(isa(), Isa::kAvx512)) + 1;
#else
  static const std::array<const Kernels*, 1> all = {&narrow::kTable};
  n = 1;
#endif
  return all.data();
}

const Kernels& kernels() {
  static const Kernels* const widest = [] {
    size_t n = 0;
    const Kernels* const* all = all_kernels(n);
    return all[n - 1];
  }();
  return *widest;
}

}  // namespace hre::fast
