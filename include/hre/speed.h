#pragma once
/// How fast the engine in process computes, and how fast this machine can.

#include <array>
#include <cstddef>
#include <cstdint>

#include "hre/result.h"

namespace hre {

/// What numbers a product multiplies; sums are float32.
enum class Precision : uint8_t {
  kF32,
  kBf16,
  kI14,  ///< 14-bit integers, in blocks of 32 with a factor each
  kI16,  ///< 8-bit weights as they are, and 16-bit integers, in blocks of 32 with a factor each
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

/// Of one kind of the engine's work: time, and the arithmetic that had to be done.
struct WorkCount {
  double seconds = 0;
  PerPrecision operations;  ///< multiplications and additions

  WorkCount& operator+=(const WorkCount& more);
  WorkCount& operator-=(const WorkCount& less);
};

/// What the engine did since the process began. Kinds are told apart where hre's own kernels compute them
/// (EngineOptions::kernels); all else, the engine's own products too, is in the total alone.
struct EngineWork {
  WorkCount products;       ///< of the body: tokens times weights
  WorkCount attention;      ///< operations: of the keys that a token sees
  WorkCount output;         ///< the output layer, with its log-softmax
  double host_seconds = 0;  ///< taking log-probabilities from what the graph left, on one thread
  double total_seconds = 0;

  EngineWork& operator+=(const EngineWork& more);
  EngineWork& operator-=(const EngineWork& less);
};
EngineWork engine_work();

/// The best that this machine was seen to do, by all of so many threads at once.
struct MachinePeak {
  /// Operations a second in matrix products; 0 for numbers that the processor does not multiply, and all 0 where this
  /// build has no kernels of its own.
  PerPrecision products;
  double memory = 0;  ///< bytes read a second
};
MachinePeak measure_machine(int threads);

/// What weights of a type are multiplied in on this machine: hre's table of kernels, which looks at the instruction set
/// alone.
struct KernelChoice {
  const char* weights;  ///< "bf16", "Q8_0", "other quantised"
  Precision chosen;
  Precision integers;  ///< what integers would be, where the processor has them
};
std::array<KernelChoice, 3> kernel_choices();

}  // namespace hre
