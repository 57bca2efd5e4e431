/// Replaces reduce_logits.cu in builds without CUDA.

#ifndef HRE_CUDA

#include "model/llama/device/reduce_logits.h"

namespace hre::device {

bool has_cuda() { return false; }

std::string reduce_on_cuda(const float*, int64_t, int64_t, std::span<fast::WantedLogit>, std::span<double>) {
  return "this build has no CUDA";
}

}  // namespace hre::device

#endif
