#pragma once
/// How many requests a server gets at once. Pure: times and results come in, a limit comes out.

#include <algorithm>

namespace hre::server {

/// Grows while growth raises the throughput, stays at the knee, and shrinks when the server pushes back (429, 503).
/// Throughput is measured in windows in which the server had as many requests as the limit allows.
class ConcurrencyLimit {
 public:
  /// `first`: where to begin; for a server whose limit is known, that limit.
  explicit ConcurrencyLimit(int most, int first = kFirst)
      : most_(most), first_(std::min(most, first)), limit_(first_), good_limit_(first_) {}

  [[nodiscard]] int limit() const { return limit_; }

  /// A response with this much work (any unit) arrived. `full`: the server had as many requests as the limit allowed,
  /// so the throughput says something about the limit.
  void completed(double now, double work, bool full);

  /// The server refused a request, sent at that time, because of load. Refusals of requests sent before the last
  /// reduction are ignored.
  void pushed_back(double now, double sent_at);

  /// The server was away: start again with few requests.
  void restart();

 private:
  void start_window(double now);
  void judge(double rate);

  static constexpr int kFirst = 4;
  static constexpr double kWorthIt = 1.05;  // a larger limit must raise the throughput by 5 %
  static constexpr int kRest = 8;           // windows at the knee before the next attempt to grow

  int most_, first_;
  int limit_;
  bool doubling_ = true;  // until growth stops paying or the server first pushes back
  int rest_ = 0;
  int good_limit_;
  double good_rate_ = 0;
  double shrunk_at_ = -1;
  // The current window: its start (negative: none yet), completions and work so far.
  double window_start_ = -1;
  int completions_ = 0;
  double work_ = 0;
  bool full_ = true;
};

}  // namespace hre::server
