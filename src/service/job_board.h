#pragma once
/// What a service is doing at the moment: written by the thread that evaluates, read by the one that answers. The queue
/// in the store knows the rest.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "hre/progress.h"

namespace hre::service {

/// How far the running job is.
struct JobProgress {
  int64_t job = 0;                    ///< 0: none runs
  std::string stage = {}, unit = {};  ///< "scoring", "questions"
  int64_t done = 0, total = 0;
  double share = 0;       ///< of the stage's work
  std::string note = {};  ///< the last one
  uint64_t version = 0;   ///< greater after each change
};

class JobBoard {
 public:
  /// `changed` is called after each change, from whatever thread made it; progress of one stage at most ten times per
  /// second.
  explicit JobBoard(std::function<void()> changed) : changed_(std::move(changed)) {}

  /// The job that runs from now on; its evaluation ends when the source is stopped.
  void begin(int64_t job, std::stop_source stop);
  /// None runs.
  void end();
  /// Asks the job to stop, if it is the one that runs, or the next one.
  void cancel(int64_t job);
  /// Whether the running job was asked to stop by cancel().
  [[nodiscard]] bool is_cancelled() const;
  [[nodiscard]] JobProgress progress() const;

  /// Something in the queue changed.
  void queue_changed();
  /// Greater after each change in the queue.
  [[nodiscard]] uint64_t queue_version() const { return queue_version_; }

  /// Notes the progress of the running job, and passes it on.
  class Listener final : public ProgressListener {
   public:
    Listener(JobBoard& board, ProgressListener& outer) : board_(board), outer_(outer) {}
    void begin(const std::string& stage, int64_t total, const std::string& unit, double work) override;
    void advance(int64_t done, double work_done) override;
    void end() override;
    void note(const std::string& message) override;

   private:
    JobBoard& board_;
    ProgressListener& outer_;
    double work_ = 0;
    std::chrono::steady_clock::time_point told_ = {};
  };

 private:
  template <typename Change>
  void update(const Change& change) {
    {
      const std::lock_guard lock(mutex_);
      change(progress_);
      ++progress_.version;
    }
    changed_();
  }

  std::function<void()> changed_;
  std::atomic<uint64_t> queue_version_ = 1;
  mutable std::mutex mutex_;
  JobProgress progress_;
  std::stop_source stop_{std::nostopstate};
  int64_t cancelled_ = 0;  // the last job that was asked to stop
};

}  // namespace hre::service
