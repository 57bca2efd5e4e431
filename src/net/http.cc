#include "net/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>

#include "core/text.h"
#include "net/url.h"

namespace hre::net {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kMostRedirects = 10;
constexpr size_t kMostHeaderBytes = size_t{1} << 20;

void initialise_curl_once() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)done;
}

const char* environment(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return nullptr;
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

HeaderList header_list(const HttpRequest& request) {
  HeaderList list;
  const auto add = [&](const std::string& line) { list.reset(curl_slist_append(list.release(), line.c_str())); };
  for (const auto& [name, value] : request.headers) add(value.empty() ? name + ";" : name + ": " + value);
  if (!request.bearer_token.empty()) add("Authorization: Bearer " + request.bearer_token);
  if (request.method == "POST") add("Expect:");  // no extra round trip before the body
  return list;
}

/// A curl handle with its connection (or several, after redirects); used by one exchange at a time.
class Connection {
 public:
  Connection() : multi_(curl_multi_init()), easy_(curl_easy_init()) {}
  ~Connection() {
    curl_easy_cleanup(easy_);
    curl_multi_cleanup(multi_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  HttpResult exchange(const HttpRequest& request, std::stop_token stop);

 private:
  void set_options(const HttpRequest& request, const curl_slist* headers);
  void set_request(const HttpRequest& request);
  void set_environment(const std::string& url, const std::string& ca_file);
  CURLcode perform(std::stop_token stop);
  HttpFailure failure_of(CURLcode code, bool stopped) const;
  HttpFailure broken(std::string message, bool transient, std::string next = {}) const;
  bool take_header(std::string_view line);
  bool take_body(std::string_view bytes);

  static size_t on_header(char* data, size_t size, size_t n, void* self);
  static size_t on_body(char* data, size_t size, size_t n, void* self);
  static int on_progress(void* self, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent);

  CURLM* multi_;
  CURL* easy_;
  std::array<char, CURL_ERROR_SIZE> message_{};

  // State of the current exchange.
  const HttpRequest* request_ = nullptr;
  HttpResponse response_;
  size_t header_bytes_ = 0;
  std::optional<HttpFailure> refused_;  // by a limit or by the sink
  SteadyClock::time_point last_byte_;
  curl_off_t moved_ = 0;
};

size_t Connection::on_header(char* data, size_t size, size_t n, void* self) {
  return static_cast<Connection*>(self)->take_header({data, size * n}) ? size * n : 0;
}

size_t Connection::on_body(char* data, size_t size, size_t n, void* self) {
  return static_cast<Connection*>(self)->take_body({data, size * n}) ? size * n : 0;
}

int Connection::on_progress(void* self, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent) {
  auto& connection = *static_cast<Connection*>(self);
  if (received + sent != connection.moved_) connection.last_byte_ = SteadyClock::now();
  connection.moved_ = received + sent;
  return 0;
}

bool Connection::take_header(std::string_view line) {
  last_byte_ = SteadyClock::now();
  header_bytes_ += line.size();
  if (header_bytes_ > kMostHeaderBytes) {
    refused_ = broken("the response's headers are longer than 1 MiB", false);
    return false;
  }
  if (line.starts_with("HTTP/")) response_.headers.clear();  // those so far were of a 100 or of the proxy's response
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return true;
  std::string name = lower(std::string(line.substr(0, colon)));
  constexpr const char* kSpace = " \t\r\n";
  line.remove_prefix(std::min(line.find_first_not_of(kSpace, colon + 1), line.size()));
  const size_t last = line.find_last_not_of(kSpace);
  response_.headers.emplace_back(std::move(name), last == std::string_view::npos ? "" : line.substr(0, last + 1));
  return true;
}

bool Connection::take_body(std::string_view bytes) {
  last_byte_ = SteadyClock::now();
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  if (request_->sink && status >= 200 && status < 300) {
    if (Status taken = request_->sink(response_, bytes); !taken)
      refused_ = HttpFailure{std::move(taken.error()), false};
    return !refused_;
  }
  if (response_.body.size() + bytes.size() > request_->max_body) {
    refused_ = broken(fmt::format("the response is longer than {} bytes", request_->max_body), false,
                      "check that this is the right server");
    return false;
  }
  response_.body.append(bytes);
  return true;
}

void Connection::set_environment(const std::string& url, const std::string& ca_file) {
  // libcurl reads http_proxy and the like itself, but HTTP_PROXY only in small letters.
  const char* proxy = url.starts_with("http:") ? environment({"http_proxy", "HTTP_PROXY"}) : nullptr;
  if (proxy != nullptr) curl_easy_setopt(easy_, CURLOPT_PROXY, proxy);
  const char* file =
      ca_file.empty() ? environment({"CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"}) : ca_file.c_str();
  if (file != nullptr) {
    curl_easy_setopt(easy_, CURLOPT_CAINFO, file);
  }
}

void Connection::set_request(const HttpRequest& request) {
  curl_easy_setopt(easy_, CURLOPT_URL, request.url.c_str());
  if (request.method == "HEAD") curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
  if (request.method == "POST") {
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, request.body.data());
  }
  curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.timeouts.connect.count()));
  curl_easy_setopt(easy_, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeouts.total.count()));
}

void Connection::set_options(const HttpRequest& request, const curl_slist* headers) {
  curl_easy_reset(easy_);
  set_request(request);
  set_environment(request.url, request.ca_file);
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_USERAGENT, "hre");
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy_, CURLOPT_BUFFERSIZE, 512L * 1024);
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, message_.data());
  curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &Connection::on_header);
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &Connection::on_body);
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy_, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy_, CURLOPT_XFERINFOFUNCTION, &Connection::on_progress);
  curl_easy_setopt(easy_, CURLOPT_XFERINFODATA, this);
}

/// Runs the transfer. CURLE_ABORTED_BY_CALLBACK if `stop` ended it, CURLE_OPERATION_TIMEDOUT after silence.
CURLcode Connection::perform(std::stop_token stop) {
  const std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi_); });
  curl_multi_add_handle(multi_, easy_);
  CURLcode code = CURLE_OK;
  const milliseconds silence = request_->timeouts.silence;
  for (int running = 1; code == CURLE_OK;) {
    if (curl_multi_perform(multi_, &running) != CURLM_OK) code = CURLE_FAILED_INIT;
    if (running == 0 || code != CURLE_OK) break;
    const auto quiet = std::chrono::duration_cast<milliseconds>(SteadyClock::now() - last_byte_);
    if (stop.stop_requested()) code = CURLE_ABORTED_BY_CALLBACK;
    if (silence.count() > 0 && quiet >= silence) code = CURLE_OPERATION_TIMEDOUT;
    const milliseconds wait = silence.count() > 0 ? std::min(silence - quiet, milliseconds(1000)) : milliseconds(1000);
    if (code == CURLE_OK)
      curl_multi_poll(multi_, nullptr, 0, static_cast<int>(std::max<int64_t>(1, wait.count())), nullptr);
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg == CURLMSG_DONE && code == CURLE_OK) code = message->data.result;
  }
  curl_multi_remove_handle(multi_, easy_);
  return code;
}

HttpFailure Connection::broken(std::string message, bool transient, std::string next) const {
  return {{ErrorCode::kFailed, std::move(message), shown_url(request_->url), std::move(next)}, transient};
}

HttpFailure Connection::failure_of(CURLcode code, bool stopped) const {
  if (stopped) return {{ErrorCode::kInterrupted, "interrupted", shown_url(request_->url), ""}, false};
  const std::string detail = message_[0] != '\0' ? message_.data() : curl_easy_strerror(code);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return broken(message_[0] != '\0'
                        ? "timed out: " + detail
                        : fmt::format("timed out: no data arrived for {} ms", request_->timeouts.silence.count()),
                    true, "check the server and the network");
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return broken("no connection: " + detail, true, "check the network; https_proxy sets a proxy");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return broken("no secure connection: " + detail, false, "set CURL_CA_BUNDLE to a file with further certificates");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return {{ErrorCode::kInput, "this is not an http or https address", shown_url(request_->url), ""}, false};
    default:
      return broken("the connection broke: " + detail, true);
  }
}

HttpResult Connection::exchange(const HttpRequest& request, std::stop_token stop) {
  request_ = &request;
  response_ = {};
  response_.url = request.url;
  header_bytes_ = 0;
  refused_.reset();
  moved_ = 0;
  message_[0] = '\0';
  last_byte_ = SteadyClock::now();
  const HeaderList headers = header_list(request);
  set_options(request, headers.get());
  const CURLcode code = perform(stop);
  if (refused_) return tl::unexpected(std::move(*refused_));
  if (code != CURLE_OK) return tl::unexpected(failure_of(code, stop.stop_requested()));
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  return std::move(response_);
}

bool is_redirect(const HttpResponse& response) {
  constexpr std::array<int, 5> kStatuses = {301, 302, 303, 307, 308};
  return std::find(kStatuses.begin(), kStatuses.end(), response.status) != kStatuses.end() &&
         response.header("location");
}

HttpFailure redirect_failure(const HttpRequest& request, std::string message) {
  return {{ErrorCode::kFailed, std::move(message), shown_url(request.url), ""}, false};
}

/// The request that a redirect asks for. It carries no token if the origin changes.
tl::expected<HttpRequest, HttpFailure> redirected(HttpRequest request, const HttpResponse& response) {
  const auto target = resolve_url(request.url, *response.header("location"));
  const auto to = target ? origin_of(*target) : std::nullopt;
  if (!to)
    return tl::unexpected(redirect_failure(request, "redirects to something that is not an http or https address"));
  const auto from = origin_of(request.url);
  if (from && from->starts_with("https:") && to->starts_with("http:")) {
    return tl::unexpected(redirect_failure(request, "redirects from https to http, which hre does not follow"));
  }
  if (from != to) {
    request.bearer_token.clear();
    std::erase_if(request.headers, [](const auto& header) { return is_credential(header.first); });
  }
  if (request.method == "POST" && response.status <= 303) {
    request.method = "GET";
    request.body.clear();
  }
  request.url = *target;
  return request;
}

}  // namespace

std::optional<std::string> HttpResponse::header(std::string_view name) const {
  const auto found =
      std::find_if(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
  if (found == headers.end()) return std::nullopt;
  return found->second;
}

/// Idle connections, ready to be used again.
struct HttpClient::Pool {
  std::mutex mutex;
  std::vector<std::unique_ptr<Connection>> idle;

  std::unique_ptr<Connection> take() {
    const std::lock_guard lock(mutex);
    if (idle.empty()) return std::make_unique<Connection>();
    std::unique_ptr<Connection> connection = std::move(idle.back());
    idle.pop_back();
    return connection;
  }
  void give_back(std::unique_ptr<Connection> connection) {
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(connection));
  }
};

HttpClient::HttpClient() {
  initialise_curl_once();
  pool_ = std::make_unique<Pool>();
}
HttpClient::~HttpClient() = default;

HttpResult HttpClient::exchange(const HttpRequest& request, std::stop_token stop) {
  std::unique_ptr<Connection> connection = pool_->take();
  HttpRequest current = request;
  HttpResult result = connection->exchange(current, stop);
  for (int hops = 0; result && is_redirect(*result) && current.redirects != Redirects::kNone; ++hops) {
    if (hops == kMostRedirects) {
      result = tl::unexpected(redirect_failure(request, "redirects more than ten times"));
      break;
    }
    auto next = redirected(current, *result);
    if (!next) {
      result = tl::unexpected(std::move(next.error()));
      break;
    }
    if (current.redirects == Redirects::kSameHost && origin_of(current.url) != origin_of(next->url)) break;
    current = std::move(*next);
    result = connection->exchange(current, stop);
  }
  pool_->give_back(std::move(connection));
  return result;
}

}  // namespace hre::net
