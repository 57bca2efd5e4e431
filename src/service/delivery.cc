#include "service/delivery.h"

#include <fmt/format.h>

#include "core/process.h"
#include "core/stop_after.h"
#include "net/retry.h"
#include "net/url.h"

namespace hre::service {
namespace {

/// The end of what a command said, in one line.
std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

Status run_command(const std::string& command, const std::string& text, const std::vector<std::string>& environment,
                   std::chrono::milliseconds longest, const std::function<void(const std::string&)>& line,
                   const std::stop_token& stop) {
  StopAfter limit(stop, longest);
  auto result =
      run_process({"/bin/sh", "-c", command}, line, limit.token(), {.input = text, .environment = environment});
  if (!result && result.error().code == ErrorCode::kInterrupted && limit.is_over()) {
    return fail(ErrorCode::kFailed,
                fmt::format("did not end within {} s, and was ended", std::chrono::duration<double>(longest).count()),
                command);
  }
  if (!result) return forward(result);
  if (result->status == 0) return {};
  const std::string said = last_line(result->errors);
  return fail(ErrorCode::kFailed,
              fmt::format("ended with status {}", result->status) + (said.empty() ? "" : ": " + said), command);
}

Status post_json(net::HttpClient& client, const std::string& url, const std::string& json,
                 const std::stop_token& stop) {
  net::HttpRequest request;
  request.method = "POST";
  request.url = url;
  request.headers = {{"content-type", "application/json"}};
  request.body = json;
  request.redirects = net::Redirects::kSameHost;
  request.timeouts = {std::chrono::seconds(10), std::chrono::seconds(30), std::chrono::seconds(30)};
  request.max_body = 1 << 20;
  net::RetryPolicy policy;
  policy.attempts = 3;
  policy.longest_wait = std::chrono::seconds(10);
  auto response = net::send(client, request, policy, stop);
  if (!response) return forward(response);
  if (response->status / 100 == 2) return {};
  return fail(ErrorCode::kFailed, fmt::format("answered with status {}", response->status), net::shown_url(url));
}

}  // namespace hre::service
