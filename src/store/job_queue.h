#pragma once
/// The queue of `hre serve`, in the store of runs: what was asked for survives the process, whatever ends it.
///
///   queued ──> running ──> completed, failed
///     │  ^        │
///     │  └────────┤ the service ended meanwhile
///     └───────────┴──> cancelled

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hre/result.h"

namespace hre::store {

class Database;

enum class JobStatus { kQueued, kRunning, kCompleted, kFailed, kCancelled };
inline constexpr size_t kJobStatuses = 5;

/// "queued", "running", "completed", "failed", "cancelled"
const char* job_status_name(JobStatus status);
std::optional<JobStatus> job_status(std::string_view name);

struct Job {
  int64_t id = 0;
  JobStatus status = JobStatus::kQueued;
  std::string model;                    ///< what is evaluated
  std::string request;                  ///< JSON: the job's own options
  std::string created, started, ended;  ///< UTC, ISO 8601; empty: not yet
  int64_t attempts = 0;                 ///< how often it was begun
  std::string why;                      ///< of one that failed
  std::string result;                   ///< JSON, hre-watch/1; empty: none

  [[nodiscard]] bool has_ended() const { return status != JobStatus::kQueued && status != JobStatus::kRunning; }
};

/// Jobs by status.
using JobCounts = std::array<int64_t, kJobStatuses>;

/// One connection to the store. For one thread; several may work on one store, in one process or in several.
class JobQueue {
 public:
  /// Creates the store if there is none. Fails where it can't be written.
  static Result<JobQueue> open(const std::string& path);
  ~JobQueue();
  JobQueue(JobQueue&&) noexcept;
  JobQueue& operator=(JobQueue&&) = delete;

  /// Adds a job; nothing if so many are queued already.
  Result<std::optional<Job>> add(const std::string& model, const std::string& request, int64_t most_queued);
  Result<std::optional<Job>> find(int64_t id);
  /// The latest first, `most` of those with numbers below `before`, and with this status if one is given.
  Result<std::vector<Job>> list(std::optional<JobStatus> status, int64_t before, int64_t most);
  /// In their order, with their results.
  Result<std::vector<Job>> completed();
  Result<JobCounts> counts();

  /// The oldest queued job, which is now running.
  Result<std::optional<Job>> take();
  /// Ends a job that is running: completed, failed or cancelled.
  Status end(int64_t id, JobStatus status, const std::string& why, const std::string& result);
  /// A running job is queued again: the service ends, or did. Ended in order, its attempt doesn't count.
  Status put_back(bool in_order);
  /// Cancels a job that is queued; false if it isn't any more.
  Result<bool> cancel(int64_t id);

 private:
  explicit JobQueue(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

}  // namespace hre::store
