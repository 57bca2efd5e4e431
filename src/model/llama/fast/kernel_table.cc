#include "model/llama/fast/kernel_table.h"

#include "model/llama/fast/integer_kernels.h"
#include "model/llama/fast/products.h"

namespace hre::fast {

KernelSettings exact_row() { return {.products = true, .attention = true}; }

KernelSettings table_row(Isa isa) {
  KernelSettings row = exact_row();
  switch (isa) {
    case Isa::kBaseline:
    case Isa::kAvx512:  // without VNNI, integers take two instructions where float32 takes one
      break;
    case Isa::kAvx2:
    case Isa::kAvx512Vnni:
    case Isa::kAvx512Bf16:
      row.bf16 = Precision::kI14;
      row.q8_0 = Precision::kI16;
      row.quantised = Precision::kI14;
      break;
    case Isa::kAmx:  // tiles multiply bfloat16 many times as fast as other numbers
      row.bf16 = row.q8_0 = row.quantised = can_multiply(Precision::kBf16) ? Precision::kBf16 : Precision::kI14;
      break;
  }
  if (integers::avx2_kernels() == nullptr) {  // clang can't generate them
    for (Precision* precision : {&row.bf16, &row.q8_0, &row.quantised}) {
      if (*precision == Precision::kI14 || *precision == Precision::kI16) *precision = Precision::kF32;
    }
  }
  return row;
}

}  // namespace hre::fast

namespace hre {

std::array<KernelChoice, 3> kernel_choices() {
  const fast::KernelSettings row = fast::table_row(fast::isa());
  return {{{"bf16", row.bf16, Precision::kI14},
           {"Q8_0", row.q8_0, Precision::kI16},
           {"other quantised", row.quantised, Precision::kI14}}};
}

}  // namespace hre
