#pragma once
/// How fast the engine in process computes, and how fast this machine can compute.

#include <array>
#include <cstddef>
#include <cstdint>

#include "hre/result.h"

namespace hre {

/// The numbers that a product multiplies; sums are float32.
enum class Precision : uint8_t {
  kF32,
  kBf16,
  kI14,  ///< 14-bit integers, in blocks of 32 with one factor each
  kI16,  ///< 8-bit weights unchanged, with 16-bit integers, in blocks of 32 with one factor each
};
inline constexpr std::array kPrecisions = {Precision::kF32, Precision::kBf16, Precision::kI14, Precision::kI16};
/// "f32", "bf16", "int14", "int16".
const char* name_of(Precision precision);

/// A number for each precision.
class PerPrecision {
 public:
  double& operator[](Precision precision) { return values_[static_cast<size_t>(precision)]; }
  double operator[](Precision precision) const { return values_[static_cast<size_t>(precision)]; }
  [[nodiscard]] double total() const;

 private:
  std::array<double, kPrecisions.size()> values_ = {};
};

/// Time and necessary arithmetic of one kind of the engine's work.
struct WorkCount {
  double seconds = 0;
  PerPrecision operations;  ///< multiplications and additions

  WorkCount& operator+=(const WorkCount& more);
  WorkCount& operator-=(const WorkCount& less);
};

/// What the engine did since the process began. Kinds are counted separately only if hre's own kernels compute them
/// (EngineOptions::kernels); everything else, including the engine's own products, is only in the total.
struct EngineWork {
  WorkCount products;       ///< of the layers: tokens times weights
  WorkCount attention;      ///< operations are counted for the keys that a token sees
  WorkCount output;         ///< the output layer, with its log-softmax
  double host_seconds = 0;  ///< extracting log-probabilities from the graph's results, on one thread
  double total_seconds = 0;

  EngineWork& operator+=(const EngineWork& more);
  EngineWork& operator-=(const EngineWork& less);
};
EngineWork engine_work();

/// The best rates measured on this machine, with all of the given threads at once.
struct MachinePeak {
  /// Operations per second in matrix products. 0 for numbers that the processor does not multiply; all are 0 if this
  /// build has no kernels of its own.
  PerPrecision products;
  double memory = 0;  ///< bytes read per second
};
MachinePeak measure_machine(int threads);

/// The precision that hre's table of kernels chooses on this machine for a type of weights. Only the instruction set
/// decides.
struct KernelChoice {
  const char* weights;  ///< "bf16", "Q8_0", "other quantised"
  Precision chosen;
  Precision integers;  ///< the precision that integers would have, if the processor has them
};
std::array<KernelChoice, 3> kernel_choices();

}  // namespace hre
