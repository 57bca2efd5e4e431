#pragma once
/// For tests: a server on the loopback that plays a script, byte for byte, so that it can also misbehave.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/http.h"

namespace hre::net {

/// What is done with one request.
struct Reply {
  std::string bytes;    ///< sent as they are: status line, headers and body
  bool close = false;   ///< then the connection is closed
  bool silent = false;  ///< then nothing more comes, and the connection stays open
};

/// An HTTP response with a Content-Length.
inline Reply reply(int status, const std::string& body, const std::string& headers = "") {
  return {"HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
          "\r\n\r\n" + body};
}

inline HttpRequest get(const std::string& url) {
  HttpRequest request;
  request.url = url;
  return request;
}

class TestServer {
 public:
  /// Answers each request (its head and body, as they came) by what the script says; called from several threads.
  explicit TestServer(std::function<Reply(const std::string& request)> script) : script_(std::move(script)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 16) != 0) std::abort();
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~TestServer() {
    done_ = true;
    acceptor_.join();
    for (std::thread& thread : threads_) thread.join();
    close(listener_);
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  [[nodiscard]] std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  [[nodiscard]] int connections() const { return connections_; }
  [[nodiscard]] std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void accept_all() {
    while (wait_for(listener_)) {
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) continue;
      ++connections_;
      threads_.emplace_back([this, connection] {
        serve(connection);
        close(connection);
      });
    }
  }
  /// Whether there is something to read before the test ends.
  [[nodiscard]] bool wait_for(int descriptor) const {
    while (!done_) {
      pollfd waiting = {descriptor, POLLIN, 0};
      if (poll(&waiting, 1, 20) > 0) return true;
    }
    return false;
  }
  void serve(int connection) {
    std::string pending;
    while (wait_for(connection)) {
      char buffer[4096];
      const ssize_t n = recv(connection, buffer, sizeof buffer, 0);
      if (n <= 0) return;
      pending.append(buffer, static_cast<size_t>(n));
      const size_t end = pending.find("\r\n\r\n");
      if (end == std::string::npos || pending.size() < end + 4 + content_length(pending)) continue;
      const Reply answer = script_(keep(std::exchange(pending, {})));
      send(connection, answer.bytes.data(), answer.bytes.size(), MSG_NOSIGNAL);
      if (answer.close) return;
      while (answer.silent && wait_for(connection)) {
        if (recv(connection, buffer, sizeof buffer, 0) <= 0) return;
      }
    }
  }
  static size_t content_length(const std::string& request) {
    const size_t at = request.find("Content-Length: ");
    return at == std::string::npos ? 0 : std::stoul(request.substr(at + 16));
  }
  std::string keep(std::string request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    return request;
  }

  std::function<Reply(const std::string&)> script_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> done_ = false;
  std::atomic<int> connections_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace hre::net
