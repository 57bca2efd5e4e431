#include "model/llama/fast/integer_products.h"

#include "model/llama/fast/integer_kernels.h"
#include "model/llama/fast/isa.h"

namespace hre::fast::integers {
namespace {

/// Null if this process's instruction set has no integer products.
const IntegerKernels* kernels() {
  static const IntegerKernels* const used = isa() >= Isa::kAvx512Vnni ? avx512_kernels()
                                            : isa() >= Isa::kAvx2     ? avx2_kernels()
                                                                      : nullptr;
  return used;
}

}  // namespace

bool available() { return kernels() != nullptr; }

size_t row_bytes(int64_t k) { return static_cast<size_t>((k * 2 + k / kBlock * 4 + 63) / 64 * 64); }

size_t packed_bytes(int64_t n, int64_t k) { return static_cast<size_t>(panels_of(n) * (k / kBlock)) * sizeof(Panel); }

void round_row(const float* from, int64_t k, float largest, void* to) { kernels()->round_row(from, k, largest, to); }

void pack_q8_0(const void* rows, int64_t n, int64_t k, void* packed) { kernels()->pack_q8_0(rows, n, k, packed); }

void pack_f32(const float* rows, int64_t n, int64_t k, void* packed) { kernels()->pack_f32(rows, n, k, packed); }

void pack_bf16(const uint16_t* rows, int64_t n, int64_t k, void* packed) { kernels()->pack_bf16(rows, n, k, packed); }

void multiply(int64_t n, int64_t k, int64_t m, const void* a, size_t a_stride, const void* packed, float* c,
              int64_t c_stride) {
  kernels()->multiply(n, k, m, a, a_stride, packed, c, c_stride);
}

}  // namespace hre::fast::integers
