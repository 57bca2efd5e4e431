#include "model/llama/fast/products.h"

#include <string>

#include "model/llama/fast/integer_products.h"
#include "model/llama/fast/isa.h"
#include "model/llama/fast/kernels.h"

#ifdef HRE_HAS_ONEDNN
#include <omp.h>

#include <algorithm>
#include <cstring>
#include <dnnl.hpp>
#include <map>
#include <memory>
#include <utility>

#include "model/llama/fast/node_work.h"
#endif

namespace hre::fast {
namespace {

int64_t filled_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

bool in_integers(Precision precision) { return precision == Precision::kI14 || precision == Precision::kI16; }

#ifdef HRE_HAS_ONEDNN

using dnnl::memory;
using Types = memory::data_type;
using Tags = memory::format_tag;

/// Each thread computes its own blocks, so oneDNN must not start threads of its own.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

/// A thread's product in bfloat16 for one size of W. All rows go through one primitive with a fixed number of rows,
/// padded with zeros, because oneDNN's choice of kernels, and so a row's bits, may depend on the number of rows.
class Bf16Product {
 public:
  Bf16Product(int64_t n, int64_t k) : n_(n), k_(k), description_(describe(n, k)), multiply_(description_) {
    room_.bytes(description_.scratchpad_desc().get_size());
    a_room_.bytes(static_cast<size_t>(kRows * k) * sizeof(uint16_t));
    c_room_.floats(static_cast<size_t>(kRows * n));
  }

  [[nodiscard]] size_t packed_bytes() const { return description_.weights_desc().get_size(); }

  void pack(const void* rows, RowType type, void* packed) {
    const memory::desc plain({k_, n_}, type == RowType::kBf16 ? Types::bf16 : Types::f32, Tags::ba);
    memory from(plain, engine(), const_cast<void*>(rows));  // oneDNN has no type for constant memory
    memory to(description_.weights_desc(), engine(), packed);
    dnnl::reorder(from, to).execute(stream_, from, to);
  }

  void multiply(int64_t m, const char* a, size_t a_stride, const void* packed, float* c, int64_t c_stride) {
    const size_t bytes = static_cast<size_t>(k_) * sizeof(uint16_t);
    auto* rows = static_cast<char*>(a_room_.bytes(0));
    for (int64_t row = 0; row < m; row += kRows) {
      const int64_t n_rows = std::min(kRows, m - row);
      for (int64_t i = 0; i < n_rows; ++i) {
        std::memcpy(rows + static_cast<size_t>(i) * bytes, a + static_cast<size_t>(row + i) * a_stride, bytes);
      }
      std::memset(rows + static_cast<size_t>(n_rows) * bytes, 0, static_cast<size_t>(kRows - n_rows) * bytes);
      multiply_rows(rows, packed, c_room_.floats(0));
      for (int64_t i = 0; i < n_rows; ++i) std::copy_n(c_room_.floats(0) + i * n_, n_, c + (row + i) * c_stride);
    }
  }

 private:
  static constexpr int64_t kRows = 96;

  static dnnl::matmul::primitive_desc describe(int64_t n, int64_t k) {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return {engine(), memory::desc({kRows, k}, Types::bf16, Tags::ab), memory::desc({k, n}, Types::bf16, Tags::any),
            memory::desc({kRows, n}, Types::f32, Tags::ab), attributes};
  }

  void multiply_rows(void* a, const void* packed, float* c) {
    memory from(description_.src_desc(), engine(), a);
    memory weights(description_.weights_desc(), engine(), const_cast<void*>(packed));
    memory to(description_.dst_desc(), engine(), c);
    memory scratch(description_.scratchpad_desc(), engine(), room_.bytes(0));
    multiply_.execute(
        stream_,
        {{DNNL_ARG_SRC, from}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, to}, {DNNL_ARG_SCRATCHPAD, scratch}});
  }

  int64_t n_, k_;
  dnnl::matmul::primitive_desc description_;
  dnnl::matmul multiply_;
  dnnl::stream stream_{engine()};
  Room room_, a_room_, c_room_;
};

/// This thread's product of this size; null if oneDNN refuses the size.
Bf16Product* bf16_product(const BlockShape& shape) {
  thread_local std::map<std::pair<int64_t, int64_t>, std::unique_ptr<Bf16Product>> products;
  auto [at, is_new] = products.try_emplace({shape.n, shape.k});
  if (!is_new) return at->second.get();
  try {
    at->second = std::make_unique<Bf16Product>(shape.n, shape.k);
  } catch (const dnnl::error&) {
  }
  return at->second.get();
}

size_t bf16_bytes(const BlockShape& shape) {
  const OneThread alone;
  const Bf16Product* product = bf16_product(shape);
  return product == nullptr ? 0 : product->packed_bytes();
}

void pack_bf16(const BlockShape& shape, const void* rows, RowType type, void* packed) {
  const OneThread alone;
  bf16_product(shape)->pack(rows, type, packed);
}

void multiply_bf16(const BlockShape& shape, int64_t m, const void* a, size_t a_stride, const void* packed, float* c,
                   int64_t c_stride) {
  const OneThread alone;
  bf16_product(shape)->multiply(m, static_cast<const char*>(a), a_stride, packed, c, c_stride);
}

constexpr bool kHasOneDnn = true;

#else

size_t bf16_bytes(const BlockShape&) { return 0; }
void pack_bf16(const BlockShape&, const void*, RowType, void*) {}
void multiply_bf16(const BlockShape&, int64_t, const void*, size_t, const void*, float*, int64_t) {}

constexpr bool kHasOneDnn = false;

#endif

}  // namespace

#ifdef HRE_HAS_ONEDNN
bool multiplies_in_tiles() {
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  return isa == dnnl::cpu_isa::avx512_core_amx || isa == dnnl::cpu_isa::avx512_core_amx_fp16;
}

const char* onednn_version() {
  static const std::string version = [] {
    const dnnl_version_t* v = dnnl_version();
    return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
  }();
  return version.c_str();
}
#else
bool multiplies_in_tiles() { return false; }
const char* onednn_version() { return ""; }
#endif

bool can_multiply(Precision precision) {
  switch (precision) {
    case Precision::kI14:
    case Precision::kI16:
      return integers::available();
    case Precision::kBf16:
      return kHasOneDnn && isa() >= Isa::kAvx512Bf16;
    case Precision::kF32:
      break;
  }
  return true;
}

size_t row_bytes(Precision precision, int64_t k) {
  if (in_integers(precision)) return integers::row_bytes(k);
  return static_cast<size_t>(k) * (precision == Precision::kBf16 ? 2 : 4);
}

void round_row(Precision precision, const float* from, int64_t k, void* to) {
  switch (precision) {
    case Precision::kI16:
      return integers::round_row(from, k, integers::kLargestBeside8Bits, to);
    case Precision::kI14:
      return integers::round_row(from, k, integers::kLargest, to);
    case Precision::kBf16:
    case Precision::kF32:
      break;
  }
  kernels().to_bf16(from, static_cast<size_t>(k), static_cast<uint16_t*>(to));
}

size_t packed_bytes(const BlockShape& shape) {
  if (in_integers(shape.precision)) {
    return shape.k % integers::kBlock == 0 ? integers::packed_bytes(shape.n, shape.k) : 0;
  }
  if (shape.precision == Precision::kBf16) return bf16_bytes(shape);
  return static_cast<size_t>(filled_up(shape.n, kernels().panel_columns) * shape.k) * sizeof(float);
}

void pack_block(const BlockShape& shape, const void* rows, RowType type, void* packed) {
  if (shape.precision == Precision::kF32) {
    return kernels().pack(static_cast<const float*>(rows), shape.n, shape.k, static_cast<float*>(packed));
  }
  if (shape.precision == Precision::kBf16) return pack_bf16(shape, rows, type, packed);
  switch (type) {
    case RowType::kQ8_0:
      return integers::pack_q8_0(rows, shape.n, shape.k, packed);
    case RowType::kBf16:
      return integers::pack_bf16(static_cast<const uint16_t*>(rows), shape.n, shape.k, packed);
    case RowType::kF32:
      return integers::pack_f32(static_cast<const float*>(rows), shape.n, shape.k, packed);
  }
}

void multiply_block(const BlockShape& shape, int64_t m, const void* a, size_t a_stride, const void* packed, float* c,
                    int64_t c_stride) {
  if (in_integers(shape.precision)) return integers::multiply(shape.n, shape.k, m, a, a_stride, packed, c, c_stride);
  if (shape.precision == Precision::kBf16) return multiply_bf16(shape, m, a, a_stride, packed, c, c_stride);
  kernels().multiply(static_cast<const float*>(a), static_cast<int64_t>(a_stride / sizeof(float)),
                     static_cast<const float*>(packed), m, shape.n, shape.k, c, c_stride);
}

}  // namespace hre::fast
