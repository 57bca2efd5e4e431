#pragma once
/// When to repeat a request, and after how long: exponential back-off with jitter, and the server's Retry-After.

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "net/http.h"

namespace hre::net {

struct RetryPolicy {
  int attempts = 5;                                ///< including the first
  std::chrono::milliseconds first_wait{500};       ///< doubled each time; the wait is a random half to whole of it
  std::chrono::milliseconds longest_wait{60'000};  ///< also for Retry-After: if the server asks for more, hre gives up
};

/// Waits, unless `stop` comes first. Returns whether the wait ran to its end.
using Sleep = std::function<bool(std::chrono::milliseconds, const std::stop_token&)>;
bool sleep_unless_stopped(std::chrono::milliseconds time, const std::stop_token& stop);

/// Whether repeating the request may succeed: 408, 424 (TGI, whose batches fail together), 425, 429, and 5xx except 501
/// and 505.
bool is_transient_status(int status);

/// Retry-After as a duration from now. The header holds seconds or a date (RFC 9110, 10.2.3). Nothing if it is missing.
std::optional<std::chrono::milliseconds> retry_after(const HttpResponse& response);

/// How long to wait after attempt number `attempt` (from 0). `asked` is the server's Retry-After, `jitter` is in [0,
/// 1]. Nothing if there must be no further attempt, because there were enough or the server asks for too long a wait.
std::optional<std::chrono::milliseconds> retry_wait(const RetryPolicy& policy, int attempt,
                                                    std::optional<std::chrono::milliseconds> asked, double jitter);

/// A number in [0, 1) for jitter, different from process to process.
double jitter();

/// Sends a request and repeats it if that may help. Returns the last response, which may be a 429 or 5xx, or an error.
/// If the request has a sink, the sink must be able to receive the body from the start again.
Result<HttpResponse> send(HttpClient& client, const HttpRequest& request, const RetryPolicy& policy,
                          std::stop_token stop, const Sleep& sleep = sleep_unless_stopped);

}  // namespace hre::net
