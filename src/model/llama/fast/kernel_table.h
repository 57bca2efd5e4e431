#pragma once
/// Which kernels compute what: a table, so that two processes or machines of one kind can't disagree.
/// docs/performance.md shows it with the reasons; `hre bench` says where a machine would be faster with another row.

#include "model/llama/fast/fast_path.h"
#include "model/llama/fast/isa.h"

namespace hre::fast {

/// Of the numbers that kernels give for the same input. Counted up with every change that moves a bit; part of what a
/// run records, and so of the key of stored answers.
inline constexpr int kKernelsVersion = 2;

/// The row of the table for an instruction set, products and attention both hre's own.
Settings table_row(Isa isa);

/// Products in float32 for every type of weights.
Settings exact_row();

}  // namespace hre::fast
