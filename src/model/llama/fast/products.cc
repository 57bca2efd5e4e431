#include "model/llama/fast/products.h"

#ifdef HRE_HAS_ONEDNN

#include <omp.h>

#include <dnnl.hpp>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "model/llama/fast/integer_products.h"
#include "model/llama/fast/kernels.h"

namespace hre::fast {
namespace {

using dnnl::memory;
using Types = memory::data_type;
using Tags = memory::format_tag;

constexpr int64_t kUsualRows = 96;  // of A: what W's layout is chosen for

Types type_of(Precision precision) { return precision == Precision::kBf16 ? Types::bf16 : Types::f32; }

bool in_integers(Precision precision) { return precision == Precision::kI14 || precision == Precision::kI16; }

/// Each thread computes its own blocks: whatever oneDNN would share out to others stays here.
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

struct Multiplication {
  dnnl::matmul::primitive_desc description;
  dnnl::matmul primitive;
  memory a, w, c, room;
  std::vector<std::byte> room_bytes;
};

/// A thread's primitives: of each shape, the packing from either type and the product by rows and stride of A.
class Shape {
 public:
  explicit Shape(const BlockShape& shape)
      : shape_(shape), layout_(describe(kUsualRows, shape.k, any_layout()).weights_desc()) {}

  [[nodiscard]] size_t packed_bytes() const { return layout_.get_size(); }

  void pack(const void* rows, RowType type, void* packed) {
    std::optional<Packing>& packing = packings_[type == RowType::kBf16 ? 1 : 0];
    if (!packing) {
      const memory::desc plain({shape_.k, shape_.n}, type == RowType::kBf16 ? Types::bf16 : Types::f32, Tags::ba);
      packing = Packing{memory(plain, engine(), nullptr), memory(layout_, engine(), nullptr), {}};
      packing->primitive = dnnl::reorder(packing->from, packing->to);
    }
    packing->from.set_data_handle(const_cast<void*>(rows));  // oneDNN has no memory of constants
    packing->to.set_data_handle(packed);
    packing->primitive.execute(stream_, packing->from, packing->to);
  }

  void multiply(int64_t m, const void* a, size_t a_stride, const void* packed, float* c) {
    const size_t bytes = shape_.precision == Precision::kBf16 ? 2 : 4;
    Multiplication& product = multiplication(m, static_cast<int64_t>(a_stride / bytes));
    product.a.set_data_handle(const_cast<void*>(a));
    product.w.set_data_handle(const_cast<void*>(packed));
    product.c.set_data_handle(c);
    product.primitive.execute(stream_, {{DNNL_ARG_SRC, product.a},
                                        {DNNL_ARG_WEIGHTS, product.w},
                                        {DNNL_ARG_DST, product.c},
                                        {DNNL_ARG_SCRATCHPAD, product.room}});
  }

 private:
  struct Packing {
    memory from, to;
    dnnl::reorder primitive;
  };

  [[nodiscard]] memory::desc any_layout() const {
    return memory::desc({shape_.k, shape_.n}, type_of(shape_.precision), Tags::any);
  }

  [[nodiscard]] dnnl::matmul::primitive_desc describe(int64_t m, int64_t a_stride, const memory::desc& w) const {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return {engine(), memory::desc({m, shape_.k}, type_of(shape_.precision), memory::dims{a_stride, 1}), w,
            memory::desc({m, shape_.n}, Types::f32, Tags::ab), attributes};
  }

  Multiplication& multiplication(int64_t m, int64_t a_stride) {
    auto& slot = multiplications_[{m, a_stride}];
    if (slot) return *slot;
    slot = std::make_unique<Multiplication>();
    slot->description = describe(m, a_stride, layout_);
    slot->primitive = dnnl::matmul(slot->description);
    slot->room_bytes.resize(slot->description.scratchpad_desc().get_size() + 64);
    slot->a = memory(slot->description.src_desc(), engine(), nullptr);
    slot->w = memory(slot->description.weights_desc(), engine(), nullptr);
    slot->c = memory(slot->description.dst_desc(), engine(), nullptr);
    auto room = reinterpret_cast<uintptr_t>(slot->room_bytes.data());
    room = (room + 63) / 64 * 64;
    slot->room = memory(slot->description.scratchpad_desc(), engine(), reinterpret_cast<void*>(room));
    return *slot;
  }

  BlockShape shape_;
  memory::desc layout_;
  dnnl::stream stream_{engine()};
  std::optional<Packing> packings_[2];
  std::map<std::pair<int64_t, int64_t>, std::unique_ptr<Multiplication>> multiplications_;
};

/// This thread's; null where oneDNN refuses the shape.
Shape* shape_of(const BlockShape& shape) {
  thread_local std::map<std::tuple<Precision, int64_t, int64_t>, std::unique_ptr<Shape>> shapes;
  auto [at, is_new] = shapes.try_emplace({shape.precision, shape.n, shape.k});
  if (!is_new) return at->second.get();
  try {
    at->second = std::make_unique<Shape>(shape);
  } catch (const dnnl::error&) {
  }
  return at->second.get();
}

}  // namespace

bool can_multiply(Precision precision) {
  if (precision == Precision::kF32) return true;
  if (in_integers(precision)) return integers::available();
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  return isa == dnnl::cpu_isa::avx512_core_bf16 || isa == dnnl::cpu_isa::avx512_core_amx ||
         isa == dnnl::cpu_isa::avx512_core_fp16 || isa == dnnl::cpu_isa::avx512_core_amx_fp16;
}

const char* products_version() {
  static const std::string version = [] {
    const dnnl_version_t* v = dnnl_version();
    return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
  }();
  return version.c_str();
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
  const OneThread alone;
  const Shape* found = shape_of(shape);
  return found == nullptr ? 0 : found->packed_bytes();
}

void pack_block(const BlockShape& shape, const void* rows, RowType type, void* packed) {
  if (in_integers(shape.precision)) {
    switch (type) {
      case RowType::kQ8_0:
        return integers::pack_q8_0(rows, shape.n, shape.k, packed);
      case RowType::kBf16:
        return integers::pack_bf16(static_cast<const uint16_t*>(rows), shape.n, shape.k, packed);
      case RowType::kF32:
        return integers::pack_f32(static_cast<const float*>(rows), shape.n, shape.k, packed);
    }
  }
  const OneThread alone;
  shape_of(shape)->pack(rows, type, packed);
}

void multiply_block(const BlockShape& shape, int64_t m, const void* a, size_t a_stride, const void* packed, float* c) {
  if (in_integers(shape.precision)) return integers::multiply(shape.n, shape.k, m, a, a_stride, packed, c);
  const OneThread alone;
  shape_of(shape)->multiply(m, a, a_stride, packed, c);
}

}  // namespace hre::fast

#else

namespace hre::fast {

bool can_multiply(Precision) { return false; }
const char* products_version() { return ""; }
size_t row_bytes(Precision, int64_t) { return 0; }
void round_row(Precision, const float*, int64_t, void*) {}
size_t packed_bytes(const BlockShape&) { return 0; }
void pack_block(const BlockShape&, const void*, RowType, void*) {}
void multiply_block(const BlockShape&, int64_t, const void*, size_t, const void*, float*) {}

}  // namespace hre::fast

#endif
