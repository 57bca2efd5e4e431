#pragma once
/// Reduces logits by CUDA: the only code that is compiled for a GPU. This header needs no CUDA headers.

#include <cstdint>
#include <span>
#include <string>

#include "model/llama/fast/fast_path.h"

namespace hre::device {

/// Whether this build has the reduction (-DHRE_CUDA=ON).
bool has_cuda();

/// Reduces logits [n_rows x n_vocab], float32 in the memory of a CUDA device. Whoever writes them must have finished.
/// Fills in the wanted logits and log_sums [n_rows], each row's log(sum(exp(logits))); terms are float32, a row's sum
/// float64. Returns CUDA's error message, or an empty string.
std::string reduce_on_cuda(const float* logits, int64_t n_rows, int64_t n_vocab, std::span<fast::WantedLogit> wanted,
                           std::span<double> log_sums);

}  // namespace hre::device
