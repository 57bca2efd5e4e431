#pragma once
/// HTTP for all that talks to servers: the hub and inference servers. It wraps libcurl.
/// Goals: connections kept alive, time-outs on every wait, bodies of bounded size, a token that never leaves the
/// host it is meant for, an immediate end on Ctrl-C. Not here: retries (net/retry.h), what a status means.
///
/// Proxies come from http_proxy, https_proxy, all_proxy and no_proxy (or in capitals); certificates from the system,
/// or the file that CURL_CA_BUNDLE, REQUESTS_CA_BUNDLE or SSL_CERT_FILE names.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "hre/result.h"

namespace hre::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// Which redirects are followed: at most ten, never from https to http.
enum class Redirects {
  kNone,
  kSameHost,  ///< the first that leads elsewhere is the response
  kAll,
};

struct HttpTimeouts {
  std::chrono::milliseconds connect{10'000};  ///< name look-up, connection and TLS; zero: libcurl's own, five minutes
  std::chrono::milliseconds silence{60'000};  ///< without a byte in either direction; zero: no limit
  std::chrono::milliseconds total{0};         ///< of one exchange, redirects excluded; zero: no limit
};

struct HttpResponse {
  int status = 0;
  Headers headers;   ///< names in lower case, in the order they came
  std::string body;  ///< empty where a sink took it
  std::string url;   ///< where it came from, after redirects

  /// The first header of this (lower-case) name.
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
};

/// Takes a body piece by piece as it comes; `head` is the response without its body. An error ends the exchange.
using BodySink = std::function<Status(const HttpResponse& head, std::string_view bytes)>;

struct HttpRequest {
  std::string method = "GET";  ///< GET, HEAD or POST
  std::string url;             ///< http or https
  Headers headers;
  std::string body;          ///< of a POST
  std::string bearer_token;  ///< sent to the url's own scheme, host and port; dropped on a redirect elsewhere
  std::string ca_file;       ///< certificates to trust, instead of the environment's and the system's
  Redirects redirects = Redirects::kAll;
  HttpTimeouts timeouts;
  size_t max_body = size_t{64} << 20;  ///< bytes kept of the body; a longer one is an error
  BodySink sink;                       ///< where the body of a 2xx goes, without a bound; bodies of others are kept
};

/// Why there was no response. A status of 4xx or 5xx is a response.
struct HttpFailure {
  Error error;             ///< where: the url, without its query
  bool transient = false;  ///< another try may help: no connection, a time-out, a body cut short
};

using HttpResult = tl::expected<HttpResponse, HttpFailure>;

/// Sends requests over connections that it keeps. Thread-safe: threads that send at once get a connection each.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// One exchange, redirects followed as the request says. Blocks; `stop` ends it at once with kInterrupted.
  HttpResult exchange(const HttpRequest& request, std::stop_token stop);

 private:
  struct Pool;
  std::unique_ptr<Pool> pool_;
};

}  // namespace hre::net
