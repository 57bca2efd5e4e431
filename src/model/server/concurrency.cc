#include "model/server/concurrency.h"

#include <algorithm>

namespace hre::server {

void ConcurrencyLimit::start_window(double now) {
  window_start_ = now;
  completions_ = 0;
  work_ = 0;
  full_ = true;
}

void ConcurrencyLimit::completed(double now, double work, bool full) {
  if (window_start_ < 0) return start_window(now);  // the first response only starts the clock
  ++completions_;
  work_ += work;
  full_ = full_ && full;
  if (completions_ < std::max(2 * limit_, 8) || now <= window_start_) return;
  const double rate = work_ / (now - window_start_);
  const bool says_something = full_;
  start_window(now);
  if (says_something) judge(rate);
}

void ConcurrencyLimit::judge(double rate) {
  if (rest_ > 0) {
    good_rate_ = rate;
    good_limit_ = limit_;
    if (--rest_ > 0) return;
  } else if (rate < kWorthIt * good_rate_) {  // the last growth did not pay: back to the knee
    limit_ = good_limit_;
    doubling_ = false;
    rest_ = kRest;
    return;
  }
  good_rate_ = rate;
  good_limit_ = limit_;
  limit_ = std::min(most_, doubling_ ? 2 * limit_ : limit_ + std::max(1, limit_ / 8));
}

void ConcurrencyLimit::pushed_back(double now, double sent_at) {
  if (sent_at <= shrunk_at_) return;
  shrunk_at_ = now;
  limit_ = std::max(1, limit_ * 7 / 10);
  doubling_ = false;
  rest_ = kRest;
  window_start_ = -1;
}

void ConcurrencyLimit::restart() { *this = ConcurrencyLimit(most_, first_); }

}  // namespace hre::server
