#pragma once
/// The table that says which kernels compute what, so that two processes or machines of the same kind can't disagree.
/// docs/performance.md shows it with the reasons; `hre bench` says if a machine would be faster with another row.

#include "model/llama/fast/fast_path.h"
#include "model/llama/fast/isa.h"

namespace hre::fast {

/// The version of the kernels' results. Increased with every change that affects a bit; part of what a run records, and
/// so of the key of stored answers.
inline constexpr int kKernelsVersion = 4;

/// The table's row for an instruction set, if hre computes both products and attention.
KernelSettings table_row(Isa isa);

/// The row with products in float32 for every type of weights.
KernelSettings exact_row();

}  // namespace hre::fast
