#pragma once
/// Tells which of several processes are alive, by when each was last heard from. Pure: the caller has the clock.

#include <chrono>
#include <cstddef>
#include <vector>

namespace hre::mpi {

/// A process that is silent for longer than `patience` is lost for good: it may have died, or hang.
class Liveness {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  /// All count as heard from at `now`.
  Liveness(size_t n, Duration patience, Time now);

  void heard(size_t one, Time now);
  /// Marks a process as lost, whatever was heard from it.
  void lose(size_t one);
  /// Returns the processes lost since the last call. Call it regularly: if two calls are far apart (because this
  /// process was stopped, or the machine slept), nothing is known about the time in between, and patience starts again.
  std::vector<size_t> look(Time now);
  [[nodiscard]] bool lost(size_t one) const { return members_[one].lost; }
  [[nodiscard]] bool any_lost() const;

 private:
  struct Member {
    Time heard;
    bool lost = false, told = false;
  };
  std::vector<Member> members_;
  Duration patience_;
  Time looked_;
};

}  // namespace hre::mpi
