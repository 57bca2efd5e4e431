#pragma once
/// An HTTP/1.1 server for a service's own few clients. Wraps GNU libmicrohttpd, whose one thread waits for all
/// connections by epoll.
/// Goals: whatever a client sends or leaves out, memory, connections and the time that each may take are bounded; the
/// code that answers is a function from request to answer. Not here: TLS, names and passwords, files, compression.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hre/result.h"
#include "net/http.h"

namespace hre::net {

struct ServerRequest {
  std::string method;
  std::string target;  ///< path and query as they were sent
  Headers headers;     ///< names in lower case
  std::string body;

  /// The first header of this (lower-case) name; nothing if there is none.
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
};

struct ServerAnswer {
  int status = 200;
  Headers headers = {};
  std::string body = {};
  /// If it is given: the answer isn't known yet. It is called when HttpServer::wake() is, and gives it when it is.
  std::function<std::optional<ServerAnswer>()> later = {};
  /// If it is given: the body comes in pieces. It is called when HttpServer::wake() is, and gives what is there: an
  /// empty piece means that there is nothing now, nothing that the body has ended.
  std::function<std::optional<std::string>()> more = {};
};

/// Both are called on the server's thread, one after the other, and must be quick. Nothing may be thrown.
struct ServerHandler {
  /// Looks at a request without its body. What it gives is the answer, and the body is not read.
  std::function<std::optional<ServerAnswer>(const ServerRequest&)> refuse;
  std::function<ServerAnswer(const ServerRequest&)> answer;
  /// What is said where the server itself has to refuse a request (413, 503).
  std::function<ServerAnswer(int status, const std::string& message)> error;
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";  ///< IPv4, or IPv6 without brackets
  int port = 0;                       ///< 0: any that is free
  int most_connections = 1024;
  size_t most_body = 64 << 10;                        ///< bytes of a request's body
  std::chrono::milliseconds longest_request{20'000};  ///< from a connection's begin, or its last answer, to a whole one
  std::chrono::seconds longest_silence{20};           ///< without a byte, where one is expected or has to be taken
  std::chrono::milliseconds longest_answer{300'000};  ///< for one that is there at once
};

/// "127.0.0.1:8765", "[::1]:8765", "localhost:0"
Result<std::pair<std::string, int>> parse_listen_address(const std::string& text);
bool is_loopback(const std::string& address);

class HttpServer {
 public:
  /// Fails where the address can't be listened at. The handler's functions are called until stop().
  static Result<std::unique_ptr<HttpServer>> start(const HttpServerOptions& options, ServerHandler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] int port() const;
  /// Something may have changed for answers that wait. From any thread; cheap, and many calls count as one.
  void wake();
  /// Takes no more connections, gives those that wait their last answer (503 where there is none), and ends.
  void stop();
  /// Open now.
  [[nodiscard]] int64_t connections() const;

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hre::net
