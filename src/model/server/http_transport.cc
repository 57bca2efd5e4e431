#include "model/server/http_transport.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

#include "net/retry.h"
#include "net/url.h"

namespace hre::server {
namespace {

net::HttpRequest http_request(const std::string& url, const Request& request, const ServerOptions& options,
                              const std::string& api_key) {
  net::HttpRequest http;
  http.method = request.body.empty() ? "GET" : "POST";
  http.url = url + request.path;
  http.body = request.body;
  if (!request.body.empty()) http.headers = {{"Content-Type", "application/json"}};
  http.bearer_token = api_key;
  http.ca_file = options.ca_file;
  constexpr double kPage = 60;  // a server's description of itself comes soon, or the server hangs
  const double seconds = request.body.empty() ? std::min(kPage, options.timeout_seconds) : options.timeout_seconds;
  const std::chrono::milliseconds whole(static_cast<int64_t>(1000 * seconds));
  http.timeouts.silence = whole;  // a server is silent while it computes
  http.timeouts.total = whole;
  http.max_body = request.max_reply;
  return http;
}

class HttpTransport final : public Transport {
 public:
  HttpTransport(net::HttpClient& client, const std::vector<std::string>& urls, const ServerOptions& options,
                const std::string& api_key)
      : client_(client), urls_(urls), options_(options), api_key_(api_key) {}

  ~HttpTransport() override {
    {
      // Under the mutex: otherwise a worker that has just seen the flag unset and is about to sleep would miss the
      // wake-up.
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    abandon();
    woken_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void send(size_t id, size_t server, const Request& request) override {
    const std::lock_guard lock(mutex_);
    queue_.push_back({id, server, request});
    if (idle_ < queue_.size()) add_thread();
    woken_.notify_one();
  }

  std::vector<Arrival> receive(double seconds, const std::stop_token& stop) override {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, stop, std::chrono::duration<double>(seconds), [this] { return !arrivals_.empty(); });
    return std::exchange(arrivals_, {});
  }

  /// Ends the requests in flight outside of the mutex, because this runs callbacks that the requests have registered.
  void abandon() override {
    std::stop_source abandoned;
    {
      const std::lock_guard lock(mutex_);
      queue_.clear();
      abandoned = std::exchange(under_way_, std::stop_source());
    }
    abandoned.request_stop();
  }

  double now() override {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }

 private:
  struct Sending {
    size_t id, server;
    Request request;
  };

  /// If the system gives no more threads, the existing ones take turns; without any thread, no request can be sent.
  void add_thread() {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error& problem) {
      if (!threads_.empty()) return;
      Reply reply;
      reply.error = {ErrorCode::kFailed, std::string("no thread can be started: ") + problem.what(), "", ""};
      arrivals_.push_back({queue_.back().id, std::move(reply)});
      queue_.pop_back();
    }
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      woken_.wait(lock, [this] { return !queue_.empty() || ended_; });
      --idle_;
      if (ended_) return;
      const Sending sending = std::move(queue_.front());
      queue_.pop_front();
      const std::stop_token abandoned = under_way_.get_token();
      lock.unlock();
      Reply reply = exchange(client_, urls_[sending.server], sending.request, options_, api_key_, abandoned);
      lock.lock();
      arrivals_.push_back({sending.id, std::move(reply)});
      arrived_.notify_one();
    }
  }

  net::HttpClient& client_;
  std::vector<std::string> urls_;
  ServerOptions options_;
  std::string api_key_;
  std::mutex mutex_;  // protects all members below
  std::condition_variable woken_;
  std::condition_variable_any arrived_;
  std::deque<Sending> queue_;
  std::vector<Arrival> arrivals_;
  size_t idle_ = 0;
  bool ended_ = false;
  std::vector<std::thread> threads_;
  std::stop_source under_way_;  // for the requests sent since the last abandon()
};

}  // namespace

Reply exchange(net::HttpClient& client, const std::string& url, const Request& request, const ServerOptions& options,
               const std::string& api_key, const std::stop_token& stop) {
  Reply reply;
  net::HttpResult result = client.exchange(http_request(url, request, options, api_key), stop);
  if (!result) {
    reply.error = std::move(result.error().error);
    reply.transient = result.error().transient;
    net::take_out(reply.error.message, api_key);
    return reply;
  }
  reply.status = result->status;
  reply.retry_after = net::retry_after(*result);
  reply.body = std::move(result->body);
  if (reply.status < 200 || reply.status > 299) net::take_out(reply.body, api_key);
  return reply;
}

std::unique_ptr<Transport> make_http_transport(net::HttpClient& client, const std::vector<std::string>& urls,
                                               const ServerOptions& options, const std::string& api_key) {
  return std::make_unique<HttpTransport>(client, urls, options, api_key);
}

}  // namespace hre::server
