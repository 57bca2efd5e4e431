"""The code for GPUs compiles, wherever there is a CUDA compiler; running it needs a GPU."""

import os
import pathlib
import shutil
import subprocess
import unittest

from program import SOURCE_DIR, ProgramTest


def cuda_compiler():
    """nvcc on the PATH or where it is usually installed; the test is skipped, visibly, where there is none."""
    usual = pathlib.Path(os.environ.get("CUDA_HOME", "/usr/local/cuda")) / "bin" / "nvcc"
    compiler = shutil.which("nvcc") or (str(usual) if os.access(usual, os.X_OK) else None)
    if compiler is None:
        raise unittest.SkipTest("no CUDA compiler (nvcc)")
    return compiler


class CudaTest(ProgramTest):
    def test_compiles(self):
        source = SOURCE_DIR / "src" / "model" / "llama" / "device" / "reduce_logits.cu"
        done = subprocess.run(
            [
                cuda_compiler(),
                "-std=c++20",
                "-arch=sm_90",
                "-Werror",
                "all-warnings",
                f"-I{SOURCE_DIR / 'src'}",
                f"-I{SOURCE_DIR / 'include'}",
                "-c",
                source,
                "-o",
                self.folder / "reduce.o",
            ],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stderr)

    def test_runs(self):
        cuda_compiler()
        if not pathlib.Path("/dev/nvidia0").exists():
            self.skipTest("the reduction compiles, but was not run: there is no NVIDIA GPU")
        program = self.write("run.cu", RUN)
        device = SOURCE_DIR / "src" / "model" / "llama" / "device" / "reduce_logits.cu"
        subprocess.run(
            [
                cuda_compiler(),
                "-std=c++20",
                f"-I{SOURCE_DIR / 'src'}",
                f"-I{SOURCE_DIR / 'include'}",
                program,
                device,
                "-o",
                self.folder / "run",
            ],
            check=True,
            timeout=300,
        )
        self.assertEqual("equal", subprocess.run([self.folder / "run"], capture_output=True, text=True, timeout=60, check=True).stdout)


# The reduction of random rows against the host's.
RUN = r"""
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "model/llama/device/reduce_logits.h"

int main() {
  const int64_t rows = 33, n_vocab = 50304;
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 3);
  std::vector<float> logits(rows * n_vocab);
  for (float& x : logits) x = normal(random);
  std::vector<hre::fast::WantedLogit> wanted;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t k = 0; k < row % 4; ++k) wanted.push_back({row, (row * 7919 + k) % n_vocab});
  }
  float* on_device = nullptr;
  cudaMalloc(&on_device, logits.size() * sizeof(float));
  cudaMemcpy(on_device, logits.data(), logits.size() * sizeof(float), cudaMemcpyHostToDevice);
  std::vector<double> log_sums(rows);
  const std::string problem = hre::device::reduce_on_cuda(on_device, rows, n_vocab, wanted, log_sums);
  if (!problem.empty()) return std::puts(problem.c_str()), 1;
  for (int64_t row = 0; row < rows; ++row) {
    double sum = 0;
    for (int64_t i = 0; i < n_vocab; ++i) sum += std::exp(static_cast<double>(logits[row * n_vocab + i]));
    if (std::abs(std::log(sum) - log_sums[row]) > 1e-6) return std::printf("row %d", static_cast<int>(row)), 1;
  }
  for (const auto& one : wanted) {
    if (one.logit != logits[one.row * n_vocab + one.token]) return std::puts("a wanted logit"), 1;
  }
  std::printf("equal");
}
"""

if __name__ == "__main__":
    unittest.main()
