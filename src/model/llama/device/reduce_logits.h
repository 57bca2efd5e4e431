#pragma once
/// The reduction of logits by CUDA: the only code that is compiled for a GPU. Nothing here needs CUDA's headers.

#include <cstdint>
#include <span>
#include <string>

#include "model/llama/fast/fast_path.h"

namespace hre::device {

/// Whether this build has it (-DHRE_CUDA=ON).
bool has_cuda();

/// Reduces logits [n_rows x n_vocab], float32 in the memory of a CUDA device, whose writers have finished: the wanted
/// logits are filled in, and log_sums [n_rows] with each row's log(sum(exp(logits))); terms are float32, a row's sum
/// float64. Gives CUDA's words for what went wrong, empty where nothing did.
std::string reduce_on_cuda(const float* logits, int64_t n_rows, int64_t n_vocab, std::span<fast::WantedLogit> wanted,
                           std::span<double> log_sums);

}  // namespace hre::device
