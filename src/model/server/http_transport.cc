#include "model/server/http_transport.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "net/retry.h"

namespace hre::server {
namespace {

void take_out(std::string& text, const std::string& secret) {
  if (secret.empty()) return;
  for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
    text.replace(at, secret.size(), "***");
  }
}

net::HttpRequest http_request(const std::string& url, const Request& request, const ServerOptions& options,
                              const std::string& api_key) {
  net::HttpRequest http;
  http.method = request.body.empty() ? "GET" : "POST";
  http.url = url + request.path;
  http.body = request.body;
  if (!request.body.empty()) http.headers = {{"Content-Type", "application/json"}};
  http.bearer_token = api_key;
  http.ca_file = options.ca_file;
  constexpr double kPage = 60;  // what a server says of itself comes soon, or it hangs
  const double seconds = request.body.empty() ? std::min(kPage, options.timeout_seconds) : options.timeout_seconds;
  const std::chrono::milliseconds whole(static_cast<int64_t>(1000 * seconds));
  http.timeouts.silence = whole;  // a server computes in silence
  http.timeouts.total = whole;
  http.max_body = request.max_reply;
  return http;
}

class HttpTransport final : public Transport {
 public:
  HttpTransport(net::HttpClient& client, const std::vector<std::string>& urls, const ServerOptions& options,
                const std::string& api_key, const std::stop_token& stop)
      : client_(client), urls_(urls), options_(options), api_key_(api_key), end_with_(stop, End{this}) {}

  ~HttpTransport() override {
    end_.request_stop();
    woken_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void send(size_t id, size_t server, const Request& request) override {
    const std::lock_guard lock(mutex_);
    queue_.push_back({id, server, request});
    if (idle_ < queue_.size()) threads_.emplace_back([this] { work(); });
    woken_.notify_one();
  }

  std::vector<Arrival> receive(double seconds) override {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, std::chrono::duration<double>(seconds),
                      [this] { return !arrivals_.empty() || end_.stop_requested(); });
    return std::exchange(arrivals_, {});
  }

  double now() override {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }

 private:
  struct Sending {
    size_t id, server;
    Request request;
  };
  struct End {
    HttpTransport* transport;
    void operator()() const {
      transport->end_.request_stop();
      transport->arrived_.notify_all();
      transport->woken_.notify_all();
    }
  };

  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      woken_.wait(lock, [this] { return !queue_.empty() || end_.stop_requested(); });
      --idle_;
      if (end_.stop_requested()) return;
      const Sending sending = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      Reply reply = exchange(client_, urls_[sending.server], sending.request, options_, api_key_, end_.get_token());
      lock.lock();
      arrivals_.push_back({sending.id, std::move(reply)});
      arrived_.notify_one();
    }
  }

  net::HttpClient& client_;
  std::vector<std::string> urls_;
  ServerOptions options_;
  std::string api_key_;
  std::mutex mutex_;  // of all below
  std::condition_variable woken_, arrived_;
  std::deque<Sending> queue_;
  std::vector<Arrival> arrivals_;
  size_t idle_ = 0;
  std::vector<std::thread> threads_;
  std::stop_source end_;
  std::stop_callback<End> end_with_;
};

}  // namespace

Reply exchange(net::HttpClient& client, const std::string& url, const Request& request, const ServerOptions& options,
               const std::string& api_key, const std::stop_token& stop) {
  Reply reply;
  net::HttpResult result = client.exchange(http_request(url, request, options, api_key), stop);
  if (!result) {
    reply.error = std::move(result.error().error);
    reply.transient = result.error().transient;
    take_out(reply.error.message, api_key);
    return reply;
  }
  reply.status = result->status;
  reply.retry_after = net::retry_after(*result);
  reply.body = std::move(result->body);
  if (reply.status < 200 || reply.status > 299) take_out(reply.body, api_key);
  return reply;
}

std::unique_ptr<Transport> make_http_transport(net::HttpClient& client, const std::vector<std::string>& urls,
                                               const ServerOptions& options, const std::string& api_key,
                                               const std::stop_token& stop) {
  return std::make_unique<HttpTransport>(client, urls, options, api_key, stop);
}

}  // namespace hre::server
