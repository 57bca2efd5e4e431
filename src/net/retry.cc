#include "net/retry.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <random>

#include "net/url.h"

namespace hre::net {

using std::chrono::milliseconds;

bool sleep_unless_stopped(milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any condition;
  std::unique_lock lock(mutex);
  return !condition.wait_for(lock, stop, time, [&] { return stop.stop_requested(); });
}

bool is_transient_status(int status) {
  if (status == 408 || status == 424 || status == 425 || status == 429) return true;
  return status >= 500 && status <= 599 && status != 501 && status != 505;
}

std::optional<milliseconds> retry_after(const HttpResponse& response) {
  const auto text = response.header("retry-after");
  if (!text) return std::nullopt;
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (error != std::errc() || end != text->data() + text->size()) {
    const time_t date = curl_getdate(text->c_str(), nullptr);
    if (date < 0) return std::nullopt;
    seconds = date - std::time(nullptr);
  }
  constexpr int64_t kYear = 366 * 86400;
  return milliseconds(1000 * std::clamp<int64_t>(seconds, 0, kYear));
}

std::optional<milliseconds> retry_wait(const RetryPolicy& policy, int attempt, std::optional<milliseconds> asked,
                                       double jitter) {
  if (attempt + 1 >= policy.attempts) return std::nullopt;
  if (asked && *asked > policy.longest_wait) return std::nullopt;
  const double whole = static_cast<double>(policy.first_wait.count()) * std::exp2(std::min(attempt, 40));
  const double bounded = std::min(whole, static_cast<double>(policy.longest_wait.count()));
  const milliseconds own(static_cast<int64_t>(bounded * (0.5 + 0.5 * jitter)));
  return std::max(own, asked.value_or(milliseconds(0)));
}

double jitter() {
  thread_local std::mt19937 generator{std::random_device{}()};
  return std::uniform_real_distribution<double>()(generator);
}

Result<HttpResponse> send(HttpClient& client, const HttpRequest& request, const RetryPolicy& policy,
                          std::stop_token stop, const Sleep& sleep) {
  for (int attempt = 0;; ++attempt) {
    HttpResult result = client.exchange(request, stop);
    const bool again = result ? is_transient_status(result->status) : result.error().transient;
    const auto wait =
        again ? retry_wait(policy, attempt, result ? retry_after(*result) : std::nullopt, jitter()) : std::nullopt;
    if (wait && sleep(*wait, stop)) continue;
    if (stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted", shown_url(request.url));
    if (!result) return tl::unexpected<Error>(std::move(result.error().error));
    return std::move(*result);
  }
}

}  // namespace hre::net
