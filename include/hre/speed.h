#pragma once
/// How fast the engine in process computes, and how fast this machine can.

#include "hre/result.h"

namespace hre {

/// Of one kind of the engine's work: time, and the arithmetic that had to be done (multiplications and additions).
struct WorkCount {
  double seconds = 0;
  double f32 = 0, bf16 = 0;  ///< operations, by what was multiplied

  [[nodiscard]] double operations() const { return f32 + bf16; }
};

/// What the engine did since the process began. Kinds are told apart where hre's own kernels compute them
/// (EngineOptions::kernels); all else, the engine's own products too, is in the total alone.
struct EngineWork {
  WorkCount products;   ///< of the body: tokens times weights
  WorkCount attention;  ///< operations: of the keys that a token sees
  WorkCount output;     ///< the output layer, with its log-softmax
  double total_seconds = 0;
};
EngineWork engine_work();

/// The best that this machine was seen to do, by all of so many threads at once.
struct MachinePeak {
  double f32 = 0, bf16 = 0;  ///< operations a second in matrix products; bf16 0 where the processor has none, both 0
                             ///< where this build has no kernels of its own
  double memory = 0;         ///< bytes read a second
};
MachinePeak measure_machine(int threads);

}  // namespace hre
