#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "model/llama/device/reduce_logits.h"

namespace hre::device {
namespace {

constexpr int kThreads = 256;  // a power of two

/// A part of a row: its largest logit, and the sum of exp(logit - largest).
struct Part {
  float largest;
  double sum;
};

__device__ Part joined(const Part& a, const Part& b) {
  const float largest = fmaxf(a.largest, b.largest);
  if (largest == -INFINITY) return {largest, a.sum + b.sum};  // nothing yet, or a NaN in the sum
  return {largest, a.sum * exp(static_cast<double>(a.largest) - largest) + b.sum * exp(static_cast<double>(b.largest) - largest)};
}

/// One block per row. The wanted logits are in the order of rows; first_wanted has one entry per row, and one more.
__global__ void reduce_row(const float* logits, int64_t n_vocab, const int64_t* tokens, const int64_t* first_wanted,
                           double* log_sums, float* wanted) {
  __shared__ Part parts[kThreads];
  const int64_t row = blockIdx.x;
  const float* at = logits + row * n_vocab;
  Part part{-INFINITY, 0};
  for (int64_t i = threadIdx.x; i < n_vocab; i += kThreads) {
    const float x = at[i];
    if (x > part.largest) {
      part.sum = part.sum * exp(static_cast<double>(part.largest) - x) + 1;
      part.largest = x;
    } else if (x != -INFINITY) {
      part.sum += expf(x - part.largest);  // a NaN stays in the sum
    }
  }
  parts[threadIdx.x] = part;
  __syncthreads();
  for (int n = kThreads / 2; n > 0; n /= 2) {
    if (threadIdx.x < n) parts[threadIdx.x] = joined(parts[threadIdx.x], parts[threadIdx.x + n]);
    __syncthreads();
  }
  if (threadIdx.x == 0) log_sums[row] = static_cast<double>(parts[0].largest) + log(parts[0].sum);
  for (int64_t i = first_wanted[row] + threadIdx.x; i < first_wanted[row + 1]; i += kThreads) wanted[i] = at[tokens[i]];
}

/// Memory of the device, freed with its owner.
template <class T>
class OnDevice {
 public:
  explicit OnDevice(size_t n) { status_ = cudaMalloc(reinterpret_cast<void**>(&at_), std::max<size_t>(1, n) * sizeof(T)); }
  ~OnDevice() { cudaFree(at_); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;
  T* get() const { return at_; }
  cudaError_t status() const { return status_; }

 private:
  T* at_ = nullptr;
  cudaError_t status_;
};

/// The thread's current device is saved and restored, because ggml does not expect it to change.
class CurrentDevice {
 public:
  CurrentDevice() { cudaGetDevice(&before_); }
  ~CurrentDevice() { cudaSetDevice(before_); }
  CurrentDevice(const CurrentDevice&) = delete;
  CurrentDevice& operator=(const CurrentDevice&) = delete;

 private:
  int before_ = 0;
};

std::string words(cudaError_t status) { return std::string("CUDA: ") + cudaGetErrorString(status); }

}  // namespace

bool has_cuda() { return true; }

std::string reduce_on_cuda(const float* logits, int64_t n_rows, int64_t n_vocab, std::span<fast::WantedLogit> wanted,
                           std::span<double> log_sums) {
  const CurrentDevice before;
  cudaPointerAttributes attributes{};
  if (const cudaError_t status = cudaPointerGetAttributes(&attributes, logits); status != cudaSuccess) return words(status);
  if (const cudaError_t status = cudaSetDevice(attributes.device); status != cudaSuccess) return words(status);

  std::vector<int64_t> tokens, first_wanted;
  for (const fast::WantedLogit& one : wanted) {
    while (static_cast<int64_t>(first_wanted.size()) <= one.row) first_wanted.push_back(static_cast<int64_t>(tokens.size()));
    tokens.push_back(one.token);
  }
  first_wanted.resize(static_cast<size_t>(n_rows) + 1, static_cast<int64_t>(tokens.size()));

  const OnDevice<int64_t> device_tokens(tokens.size()), device_first(first_wanted.size());
  const OnDevice<double> device_sums(log_sums.size());
  const OnDevice<float> device_wanted(tokens.size());
  for (const cudaError_t status : {device_tokens.status(), device_first.status(), device_sums.status(), device_wanted.status()}) {
    if (status != cudaSuccess) return words(status);
  }
  cudaMemcpy(device_tokens.get(), tokens.data(), tokens.size() * sizeof(int64_t), cudaMemcpyHostToDevice);
  cudaMemcpy(device_first.get(), first_wanted.data(), first_wanted.size() * sizeof(int64_t), cudaMemcpyHostToDevice);
  reduce_row<<<static_cast<unsigned>(n_rows), kThreads>>>(logits, n_vocab, device_tokens.get(), device_first.get(),
                                                          device_sums.get(), device_wanted.get());
  if (const cudaError_t status = cudaGetLastError(); status != cudaSuccess) return words(status);
  std::vector<float> found(tokens.size());
  cudaMemcpy(found.data(), device_wanted.get(), found.size() * sizeof(float), cudaMemcpyDeviceToHost);
  // The last call reports whether any earlier one failed.
  const cudaError_t status =
      cudaMemcpy(log_sums.data(), device_sums.get(), log_sums.size() * sizeof(double), cudaMemcpyDeviceToHost);
  if (status != cudaSuccess) return words(status);
  for (size_t i = 0; i < found.size(); ++i) wanted[i].logit = found[i];
  return {};
}

}  // namespace hre::device
