#pragma once
/// Which of several processes are there, judged by when each was last heard. Pure: the caller has the clock.

#include <chrono>
#include <cstddef>
#include <vector>

namespace hre::mpi {

/// One that was silent for longer than the others' patience is lost, for good: it may have died, or hang.
class Liveness {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  /// All were heard of at `now`.
  Liveness(size_t n, Duration patience, Time now);

  void heard(size_t one, Time now);
  /// Says that one is lost, whatever was heard of it.
  void lose(size_t one);
  /// Those lost since the last look. To be called again and again: where the looks themselves were far apart (this
  /// process was stopped, the machine slept), nothing is known of that time, and patience begins anew.
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
