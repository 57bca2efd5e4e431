#pragma once
/// Which kernels are taken on this processor.

#include "model/llama/fast/fast_path.h"

namespace hre::fast {

/// Everything that this build and processor can compute here; bfloat16 products where the processor has them.
Settings all_here();

/// What was faster in a short measurement, which is made once for a processor and kept in the cache folder, so that
/// what a machine computes does not change from run to run. The engine's own products are taken where they are clearly
/// faster.
Settings fastest_here();

}  // namespace hre::fast
