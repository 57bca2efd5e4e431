#pragma once
/// A time limit for work that ends by a std::stop_token.

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

namespace hre {

/// Its token is stopped when `outer` is, or when the time is over. For one thread; work that has its token ends first.
class StopAfter {
 public:
  StopAfter(const std::stop_token& outer, std::optional<std::chrono::milliseconds> longest)
      : passed_on_(outer, PassOn{&ends_}) {
    if (!longest) return;
    clock_ = std::jthread([this, longest](const std::stop_token& finished) {
      std::mutex mutex;
      std::unique_lock lock(mutex);
      std::condition_variable_any never;
      never.wait_for(lock, finished, *longest, [] { return false; });
      if (!finished.stop_requested()) is_over_ = ends_.request_stop();
    });
  }
  StopAfter(const StopAfter&) = delete;
  StopAfter& operator=(const StopAfter&) = delete;

  [[nodiscard]] std::stop_token token() const { return ends_.get_token(); }
  /// Whether the time ended the work, not `outer`. Ends the clock.
  bool is_over() {
    if (clock_.joinable()) {
      clock_.request_stop();
      clock_.join();
    }
    return is_over_;
  }

 private:
  struct PassOn {
    std::stop_source* ends;
    void operator()() const { ends->request_stop(); }
  };
  std::stop_source ends_;
  std::stop_callback<PassOn> passed_on_;
  bool is_over_ = false;
  std::jthread clock_;
};

}  // namespace hre
