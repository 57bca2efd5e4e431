#pragma once
/// The folder src/net: HTTP for everything that talks to servers: the hub, inference servers, webhooks. Wraps libcurl.
///
/// Not here: what a status or a body means: that is the caller's (src/hub, src/model/server, src/service).
/// Types:    `HttpClient` sends an `HttpRequest`; `RetryPolicy` (retry.h) says when it is sent again; `HttpResponse` is
///           any answer, of 4xx too.
/// Owners:   a client owns its connections and outlives its requests.
/// Threads:  `HttpClient` may be used by any number of threads at once, each on a connection of its own.
/// To add:   a kind of time-out or header in `HttpRequest`; a status worth repeating in `is_transient_status`.

/// HTTP for everything that talks to servers: the hub and inference servers. Wraps libcurl.
/// Goals: persistent connections, time-outs on every wait, bounded bodies, a token that never leaves the host for which
/// it is meant, and an immediate end on Ctrl-C. Not here: retries (net/retry.h) and the meaning of a status.
///
/// Proxies come from http_proxy, https_proxy, all_proxy and no_proxy (or in capitals); certificates from the system, or
/// from the file that CURL_CA_BUNDLE, REQUESTS_CA_BUNDLE or SSL_CERT_FILE names.

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

/// Which redirects are followed: at most ten, and never from https to http.
enum class Redirects {
  kNone,
  kSameHost,  ///< the first redirect to another host is returned as the response
  kAll,
};

struct HttpTimeouts {
  std::chrono::milliseconds connect{10'000};  ///< name look-up, connection, TLS; zero: libcurl's default, five minutes
  std::chrono::milliseconds silence{60'000};  ///< without a byte in either direction; zero: no limit
  std::chrono::milliseconds total{0};         ///< for one exchange without redirects; zero: no limit
};

struct HttpResponse {
  int status = 0;
  Headers headers;   ///< names in lower case, in the order received
  std::string body;  ///< empty if a sink received it
  std::string url;   ///< the final URL, after redirects

  /// The first header of this (lower-case) name; nothing if there is none.
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
};

/// Receives a body piece by piece as it arrives; `head` is the response without its body. An error ends the exchange.
using BodySink = std::function<Status(const HttpResponse& head, std::string_view bytes)>;

struct HttpRequest {
  std::string method = "GET";  ///< GET, HEAD or POST
  std::string url;             ///< http or https
  Headers headers;
  std::string body;          ///< of a POST
  std::string bearer_token;  ///< sent only to the URL's own scheme, host and port; dropped on a redirect elsewhere
  std::string ca_file;       ///< certificates to trust, instead of those of the environment and the system
  Redirects redirects = Redirects::kAll;
  HttpTimeouts timeouts;
  size_t max_body = size_t{64} << 20;  ///< bytes of the body that are kept; a longer body is an error
  BodySink sink;                       ///< receives the body of a 2xx, without a limit; others are kept in the response
};

/// Why there was no response. A status of 4xx or 5xx is not a failure but a response.
struct HttpFailure {
  Error error;             ///< its `where` is the URL without its query
  bool transient = false;  ///< another attempt may help: no connection, a time-out, an incomplete body
};

using HttpResult = tl::expected<HttpResponse, HttpFailure>;

/// Sends requests over connections that it keeps. Thread-safe: concurrent calls use different connections.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Performs one exchange and follows redirects as the request says. Blocks; `stop` ends it at once with kInterrupted.
  HttpResult exchange(const HttpRequest& request, std::stop_token stop);

 private:
  struct Pool;
  std::unique_ptr<Pool> pool_;
};

}  // namespace hre::net
