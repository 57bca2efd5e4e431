#include "service/job_board.h"

#include <algorithm>

namespace hre::service {

void JobBoard::begin(int64_t job, std::stop_source stop) {
  update([&](JobProgress& progress) {
    progress = {.job = job, .version = progress.version};
    stop_ = stop;
  });
  if (is_cancelled()) stop.request_stop();
}

void JobBoard::end() {
  update([&](JobProgress& progress) {
    progress = {.version = progress.version};
    stop_ = std::stop_source(std::nostopstate);
  });
}

void JobBoard::cancel(int64_t job) {
  std::optional<std::stop_source> stop;
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = job;
    if (progress_.job == job) stop = stop_;
  }
  if (stop) stop->request_stop();
}

bool JobBoard::is_cancelled() const {
  const std::lock_guard lock(mutex_);
  return progress_.job != 0 && progress_.job == cancelled_;
}

JobProgress JobBoard::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

void JobBoard::queue_changed() {
  ++queue_version_;
  changed_();
}

void JobBoard::Listener::begin(const std::string& stage, int64_t total, const std::string& unit, double work) {
  outer_.begin(stage, total, unit, work);
  work_ = work > 0 ? work : static_cast<double>(total);
  board_.update([&](JobProgress& progress) {
    progress.stage = stage;
    progress.unit = unit;
    progress.total = total;
    progress.done = 0;
    progress.share = 0;
  });
}

void JobBoard::Listener::advance(int64_t done, double work_done) {
  outer_.advance(done, work_done);
  const auto now = std::chrono::steady_clock::now();
  if (now - told_ < std::chrono::milliseconds(100)) return;
  told_ = now;
  board_.update([&](JobProgress& progress) {
    progress.done = done;
    progress.share = work_ > 0 ? std::clamp(work_done / work_, 0.0, 1.0) : 0;
  });
}

void JobBoard::Listener::end() { outer_.end(); }

void JobBoard::Listener::note(const std::string& message) {
  outer_.note(message);
  board_.update([&](JobProgress& progress) { progress.note = message; });
}

}  // namespace hre::service
