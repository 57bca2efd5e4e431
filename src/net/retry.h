#pragma once
/// When a request is tried again, and after how long: exponential back-off with jitter, and what the server asks for.

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "net/http.h"

namespace hre::net {

struct RetryPolicy {
  int attempts = 5;                                ///< in all
  std::chrono::milliseconds first_wait{500};       ///< doubled each time, a random half to whole of it waited
  std::chrono::milliseconds longest_wait{60'000};  ///< also of a Retry-After: one that is longer is not waited for
};

/// Waits, unless `stop` comes first; whether it waited to the end.
using Sleep = std::function<bool(std::chrono::milliseconds, const std::stop_token&)>;
bool sleep_unless_stopped(std::chrono::milliseconds time, const std::stop_token& stop);

/// 408, 424 (of TGI, whose batches fail together), 425, 429 and 5xx but 501 and 505: the same request may succeed
/// later.
bool is_transient_status(int status);

/// Retry-After as a time from now: seconds, or a date (RFC 9110, 10.2.3). Nothing where there is none.
std::optional<std::chrono::milliseconds> retry_after(const HttpResponse& response);

/// How long to wait after the attempt of this number (from 0). `asked` is the server's Retry-After, `jitter` in
/// [0, 1]. Nothing: no further attempt, since there were enough or the server asks for too long a wait.
std::optional<std::chrono::milliseconds> retry_wait(const RetryPolicy& policy, int attempt,
                                                    std::optional<std::chrono::milliseconds> asked, double jitter);

/// A number in [0, 1) that differs from process to process, for jitter.
double jitter();

/// exchange(), again where that may help. What is left in the end is a response, 429 and 5xx included, or an error.
/// A request with a sink must be able to take its body from the start again.
Result<HttpResponse> send(HttpClient& client, const HttpRequest& request, const RetryPolicy& policy,
                          std::stop_token stop, const Sleep& sleep = sleep_unless_stopped);

}  // namespace hre::net
