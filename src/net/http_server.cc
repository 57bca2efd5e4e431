#include "net/http_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <stop_token>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "core/text.h"

namespace hre::net {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

constexpr SteadyTime kNever = SteadyTime::max();
constexpr size_t kMemory = 32 << 10;             // of a connection, by the library: bounds lines and headers
constexpr milliseconds kLook{500};               // how often time limits are looked at
constexpr milliseconds kBetweenWakes{100};       // many changes at once are one
constexpr milliseconds kLongestUntilWake{5000};  // so that streams can say that they are alive

/// One request and its answer. Lives from the request's first line until its answer is sent, or its connection closed.
struct Exchange {
  ServerRequest request;
  ServerAnswer answer;
  bool is_begun = false, is_answered = false, is_too_long = false, is_counted = false;
  size_t received = 0;  // bytes of the body, also those that are not kept
  std::string piece;    // of a body in pieces: not sent yet
  MHD_Connection* connection = nullptr;
  int socket = -1;
  std::atomic<bool> is_gone = false;  // the client closed its connection while the answer was waited for
};

sockaddr_storage socket_address(const std::string& address, int port, socklen_t& size) {
  sockaddr_storage storage = {};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
    size = sizeof *v4;
  } else if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
    size = sizeof *v6;
  } else {
    size = 0;
  }
  return storage;
}

}  // namespace

std::optional<std::string> ServerRequest::header(std::string_view name) const {
  const auto found =
      std::ranges::find(headers, name, [](const auto& header) { return std::string_view(header.first); });
  return found == headers.end() ? std::nullopt : std::optional(found->second);
}

Result<std::pair<std::string, int>> parse_listen_address(const std::string& text) {
  const size_t colon = text.rfind(':');
  const auto wrong = [&] {
    return input_error("is no address and port", text, "write it as 127.0.0.1:8765 or [::1]:8765");
  };
  if (colon == std::string::npos) return wrong();
  std::string address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
    if (address.find(':') == std::string::npos) return wrong();
  } else if (address.find(':') != std::string::npos) {
    return wrong();
  }
  if (address == "localhost") address = "127.0.0.1";
  int port = -1;
  const char *begin = text.data() + colon + 1, *end = text.data() + text.size();
  const auto parsed = std::from_chars(begin, end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end || port < 0 || port > 65535) return wrong();
  socklen_t size = 0;
  socket_address(address, port, size);
  if (size == 0) return wrong();
  return std::pair(std::move(address), port);
}

bool is_loopback(const std::string& address) {
  in_addr v4 = {};
  in6_addr v6 = {};
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  return inet_pton(AF_INET6, address.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

struct HttpServer::State {
  HttpServerOptions options;
  ServerHandler handler;
  MHD_Daemon* daemon = nullptr;
  int listener = -1, port = 0;
  std::atomic<bool> is_ending = false;
  std::atomic<int64_t> n_held = 0;

  // Guards what follows. Callbacks of the library, the clock and fork() take it.
  std::mutex mutex;
  std::condition_variable_any changed;
  bool is_woken = false;
  std::unordered_set<Exchange*> held;                // suspended: their answers wait
  std::unordered_map<MHD_Connection*, int> sockets;  // of all connections
  std::unordered_map<MHD_Connection*, SteadyTime> deadlines;
  std::jthread clock;

  void set_deadline(MHD_Connection* connection, SteadyTime deadline) {
    const std::lock_guard lock(mutex);
    if (const auto found = deadlines.find(connection); found != deadlines.end()) found->second = deadline;
  }
  [[nodiscard]] bool has_room() const { return n_held < int64_t{options.most_connections} / 4 * 3; }

  void hold(Exchange& exchange) {
    {
      const std::lock_guard lock(mutex);
      held.insert(&exchange);
    }
    MHD_suspend_connection(exchange.connection);
  }
  void resume_all();
  void keep_time(const std::stop_token& stop);
  MHD_Result begin(Exchange& exchange, const char* method);
  MHD_Result go_on(Exchange& exchange);
  MHD_Result send(Exchange& exchange);

  /// What a body in pieces is read from.
  struct Pieces {
    State* state;
    Exchange* exchange;
  };

  static void* on_line(void* state, const char* target, MHD_Connection* connection);
  static MHD_Result on_request(void* state, MHD_Connection* connection, const char* url, const char* method,
                               const char* version, const char* data, size_t* size, void** context);
  static void on_completed(void* state, MHD_Connection* connection, void** context, MHD_RequestTerminationCode why);
  static void on_connection(void* state, MHD_Connection* connection, void** context,
                            MHD_ConnectionNotificationCode what);
  static ssize_t read_piece(void* pieces, uint64_t position, char* to, size_t most);
};

namespace {

/// What a process that is forked from this one must not keep: a connection is only closed when the last process that
/// has it closes it, and processes that score live longer than connections.
class ForkGuard {
 public:
  static ForkGuard& instance() {
    static ForkGuard guard;
    return guard;
  }
  void add(std::mutex* mutex, std::function<void()> close_all) {
    const std::lock_guard lock(mutex_);
    servers_.emplace_back(mutex, std::move(close_all));
  }
  void remove(const std::mutex* mutex) {
    const std::lock_guard lock(mutex_);
    std::erase_if(servers_, [&](const auto& server) { return server.first == mutex; });
  }

 private:
  ForkGuard() {
    pthread_atfork([] { instance().lock_all(); }, [] { instance().unlock_all(false); },
                   [] { instance().unlock_all(true); });
  }
  void lock_all() {
    mutex_.lock();
    for (auto& server : servers_) server.first->lock();
  }
  void unlock_all(bool in_child) {
    for (auto& server : servers_) {
      if (in_child) server.second();
      server.first->unlock();
    }
    mutex_.unlock();
  }
  std::mutex mutex_;
  std::vector<std::pair<std::mutex*, std::function<void()>>> servers_;
};

size_t keep_target(void*, MHD_Connection*, char* text) { return std::strlen(text); }  // not decoded here

}  // namespace

void* HttpServer::State::on_line(void*, const char* target, MHD_Connection* connection) {
  auto* exchange = new (std::nothrow) Exchange();
  if (exchange == nullptr) return nullptr;
  exchange->request.target = target;
  exchange->connection = connection;
  const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  exchange->socket = info == nullptr ? -1 : info->connect_fd;
  return exchange;
}

MHD_Result HttpServer::State::begin(Exchange& exchange, const char* method) {
  exchange.is_begun = true;
  exchange.request.method = method;
  const auto take = [](void* to, MHD_ValueKind, const char* name, const char* value) {
    static_cast<Headers*>(to)->emplace_back(lower(name), value == nullptr ? "" : value);
    return MHD_YES;
  };
  MHD_get_connection_values(exchange.connection, MHD_HEADER_KIND, take, &exchange.request.headers);
  auto refused = handler.refuse(exchange.request);
  if (!refused) {
    const auto length = exchange.request.header("content-length");
    const auto n = length ? parse_finite_number(*length) : std::nullopt;
    if (n && *n > static_cast<double>(options.most_body)) {
      refused = handler.error(413, fmt::format("a body has at most {} bytes", options.most_body));
    }
  }
  if (!refused) return MHD_YES;
  exchange.is_answered = true;
  exchange.answer = std::move(*refused);
  return send(exchange);
}

/// The request is whole. Called again when an answer that waits may be there.
MHD_Result HttpServer::State::go_on(Exchange& exchange) {
  if (exchange.is_gone) return MHD_NO;
  if (!exchange.is_answered) {
    exchange.is_answered = true;
    exchange.answer = exchange.is_too_long
                          ? handler.error(413, fmt::format("a body has at most {} bytes", options.most_body))
                          : handler.answer(exchange.request);
    exchange.request = {};
    const bool waits = exchange.answer.later || exchange.answer.more;
    if (waits && !has_room()) {
      exchange.answer = handler.error(503, "too many requests wait for their answers");
    } else if (waits) {
      exchange.is_counted = true;
      ++n_held;
    }
    const bool still_waits = exchange.answer.later || exchange.answer.more;
    set_deadline(exchange.connection, still_waits ? kNever : std::chrono::steady_clock::now() + options.longest_answer);
  }
  while (exchange.answer.later) {
    auto answer = exchange.answer.later();
    if (!answer && is_ending) answer = handler.error(503, "the service ends; its jobs are kept");
    if (!answer) {
      hold(exchange);
      return MHD_YES;
    }
    exchange.answer = std::move(*answer);
    set_deadline(exchange.connection, std::chrono::steady_clock::now() + options.longest_answer);
  }
  return send(exchange);
}

MHD_Result HttpServer::State::send(Exchange& exchange) {
  ServerAnswer& answer = exchange.answer;
  MHD_Response* response = nullptr;
  if (answer.more) {
    constexpr size_t kBlock = 8 << 10;
    response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, kBlock, read_piece, new Pieces{this, &exchange},
                                                 [](void* pieces) { delete static_cast<Pieces*>(pieces); });
  } else {
    response = MHD_create_response_from_buffer(answer.body.size(), answer.body.data(), MHD_RESPMEM_PERSISTENT);
  }
  if (response == nullptr) return MHD_NO;
  for (const auto& [name, value] : answer.headers) MHD_add_response_header(response, name.c_str(), value.c_str());
  if (is_ending) MHD_add_response_header(response, "Connection", "close");
  const MHD_Result queued = MHD_queue_response(exchange.connection, static_cast<unsigned>(answer.status), response);
  MHD_destroy_response(response);  // the connection has its own reference
  return queued;
}

MHD_Result HttpServer::State::on_request(void* state, MHD_Connection*, const char*, const char* method, const char*,
                                         const char* data, size_t* size, void** context) {
  auto& self = *static_cast<State*>(state);
  if (*context == nullptr) return MHD_NO;  // no memory
  auto& exchange = *static_cast<Exchange*>(*context);
  try {
    if (!exchange.is_begun) return self.begin(exchange, method);
    if (*size == 0) return self.go_on(exchange);
    exchange.received += *size;
    if (exchange.received <= self.options.most_body) {
      exchange.request.body.append(data, *size);
    } else {
      exchange.is_too_long = true;
      exchange.request.body.clear();
      // An answer can only be given when the body has ended. One that doesn't end is not waited for.
      if (exchange.received > 8 * self.options.most_body) return MHD_NO;
    }
    *size = 0;
    return MHD_YES;
  } catch (const std::exception&) {  // no memory: the connection is closed
    return MHD_NO;
  }
}

ssize_t HttpServer::State::read_piece(void* pieces, uint64_t, char* to, size_t most) {
  State* const state = static_cast<Pieces*>(pieces)->state;
  Exchange& exchange = *static_cast<Pieces*>(pieces)->exchange;
  if (exchange.is_gone) return MHD_CONTENT_READER_END_WITH_ERROR;
  try {
    if (exchange.piece.empty()) {
      auto piece = exchange.answer.more();
      if (!piece || (piece->empty() && state->is_ending)) return MHD_CONTENT_READER_END_OF_STREAM;
      exchange.piece = std::move(*piece);
    }
  } catch (const std::exception&) {
    return MHD_CONTENT_READER_END_WITH_ERROR;
  }
  if (exchange.piece.empty()) {
    state->hold(exchange);
    return 0;
  }
  const size_t n = std::min(most, exchange.piece.size());
  std::copy_n(exchange.piece.data(), n, to);
  exchange.piece.erase(0, n);
  return static_cast<ssize_t>(n);
}

void HttpServer::State::on_completed(void* state, MHD_Connection* connection, void** context,
                                     MHD_RequestTerminationCode) {
  auto& self = *static_cast<State*>(state);
  auto* exchange = static_cast<Exchange*>(*context);
  *context = nullptr;
  if (exchange == nullptr) return;
  if (exchange->is_counted) --self.n_held;
  {
    const std::lock_guard lock(self.mutex);
    self.held.erase(exchange);
  }
  self.set_deadline(connection, std::chrono::steady_clock::now() + self.options.longest_request);
  delete exchange;
}

void HttpServer::State::on_connection(void* state, MHD_Connection* connection, void**,
                                      MHD_ConnectionNotificationCode what) {
  auto& self = *static_cast<State*>(state);
  const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  const std::lock_guard lock(self.mutex);
  if (what == MHD_CONNECTION_NOTIFY_STARTED && info != nullptr) {
    self.sockets[connection] = info->connect_fd;
    self.deadlines[connection] = std::chrono::steady_clock::now() + self.options.longest_request;
  } else {
    self.sockets.erase(connection);
    self.deadlines.erase(connection);
  }
}

void HttpServer::State::resume_all() {
  std::unordered_set<Exchange*> resumed;
  {
    const std::lock_guard lock(mutex);
    resumed.swap(held);
  }
  for (const Exchange* exchange : resumed) MHD_resume_connection(exchange->connection);
}

/// Closes connections whose time is over, and wakes answers that wait.
void HttpServer::State::keep_time(const std::stop_token& stop) {
  auto woken = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    changed.wait_for(lock, stop, kLook, [&] { return is_woken; });
    const auto now = std::chrono::steady_clock::now();
    for (auto& [connection, deadline] : deadlines) {
      if (deadline > now) continue;
      shutdown(sockets[connection], SHUT_RDWR);  // the server's thread sees its end, and closes it
      deadline = kNever;
    }
    std::vector<pollfd> polled;
    std::vector<Exchange*> waiting(held.begin(), held.end());
    for (const Exchange* exchange : waiting) polled.push_back({exchange->socket, POLLRDHUP, 0});
    bool anyone_gone = false;
    if (!polled.empty() && poll(polled.data(), polled.size(), 0) > 0) {
      for (size_t i = 0; i < polled.size(); ++i) {
        if (polled[i].revents == 0) continue;
        waiting[i]->is_gone = true;
        anyone_gone = true;
      }
    }
    if (!is_woken && !anyone_gone && now - woken < kLongestUntilWake) continue;
    is_woken = false;
    woken = now;
    lock.unlock();
    resume_all();
    std::this_thread::sleep_for(kBetweenWakes);
    lock.lock();
  }
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options, ServerHandler handler) {
  const bool is_v6 = options.address.find(':') != std::string::npos;
  const std::string place = fmt::format("{}{}{}:{}", is_v6 ? "[" : "", options.address, is_v6 ? "]" : "", options.port);
  socklen_t size = 0;
  sockaddr_storage address = socket_address(options.address, options.port, size);
  if (size == 0) return input_error("is no address", options.address);
  const int listener = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (listener < 0 || bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener, SOMAXCONN) != 0) {
    const std::string why = std::strerror(errno);
    if (listener >= 0) close(listener);
    return fail(ErrorCode::kFailed, "can't be listened at: " + why, place);
  }
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  auto state = std::make_unique<State>();
  state->options = options;
  state->handler = std::move(handler);
  state->listener = listener;
  state->port = ntohs(address.ss_family == AF_INET ? reinterpret_cast<sockaddr_in*>(&address)->sin_port
                                                   : reinterpret_cast<sockaddr_in6*>(&address)->sin6_port);
  State* const self = state.get();
  state->daemon = MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, 0, nullptr, nullptr, State::on_request,
      self, MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT,
      static_cast<unsigned>(options.most_connections), MHD_OPTION_CONNECTION_TIMEOUT,
      static_cast<unsigned>(options.longest_silence.count()), MHD_OPTION_CONNECTION_MEMORY_LIMIT, kMemory,
      MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, State::on_line, self, MHD_OPTION_UNESCAPE_CALLBACK,
      keep_target, nullptr, MHD_OPTION_NOTIFY_COMPLETED, State::on_completed, self, MHD_OPTION_NOTIFY_CONNECTION,
      State::on_connection, self, MHD_OPTION_END);
  if (state->daemon == nullptr) {
    close(listener);
    return fail(ErrorCode::kFailed, "the HTTP server could not be started", place);
  }
  ForkGuard::instance().add(&self->mutex, [self] {
    close(self->listener);
    for (const auto& [connection, socket] : self->sockets) close(socket);
  });
  state->clock = std::jthread([self](const std::stop_token& stop) { self->keep_time(stop); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

int HttpServer::port() const { return state_->port; }

int64_t HttpServer::connections() const {
  const std::lock_guard lock(state_->mutex);
  return static_cast<int64_t>(state_->sockets.size());
}

void HttpServer::wake() {
  const std::lock_guard lock(state_->mutex);
  if (std::exchange(state_->is_woken, true)) return;
  state_->changed.notify_all();
}

void HttpServer::stop() {
  if (state_->daemon == nullptr) return;
  MHD_quiesce_daemon(state_->daemon);
  state_->is_ending = true;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (state_->n_held > 0 && std::chrono::steady_clock::now() < end) {
    wake();
    std::this_thread::sleep_for(milliseconds(20));
  }
  std::this_thread::sleep_for(milliseconds(50));  // last answers leave
  state_->clock.request_stop();
  state_->clock.join();
  state_->resume_all();  // the library must have none that is suspended
  ForkGuard::instance().remove(&state_->mutex);
  MHD_stop_daemon(state_->daemon);
  state_->daemon = nullptr;
  close(state_->listener);
}

HttpServer::~HttpServer() { stop(); }

}  // namespace hre::net
