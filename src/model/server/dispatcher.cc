#include "model/server/dispatcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>

#include "model/server/concurrency.h"
#include "model/server/responses.h"

namespace hre::server {
namespace {

/// Requests one after the other that fail at every attempt, without a success between them.
constexpr int kMostExhausted = 3;

/// Consecutive failures after which a server counts as away.
constexpr int kAway = 3;
/// The longest pause, in seconds, between attempts to reach a server that is away.
constexpr double kLongestAwayPause = 5;

struct Pending {
  size_t index = 0;
  int attempts = 0;              // failed ones
  double due = 0;                // not sent before this time
  double first_failure = -1;     // negative: none
  size_t failed_at = SIZE_MAX;   // the server of its last failure
  size_t goes_on_at = SIZE_MAX;  // the server that has answered its part before
};

struct Flight {
  Pending pending;
  size_t server = 0;
  double sent_at = 0;
  double work = 0;
};

struct Server {
  explicit Server(ConcurrencyLimit initial) : limit(initial) {}
  ConcurrencyLimit limit;
  int in_flight = 0;
  bool full = false;      // when the latest replies arrived; several may arrive at once
  int failures = 0;       // consecutive ones
  double not_before = 0;  // for a pause that it asked for, or while it is away
  bool away = false;      // only one request at a time, to find out whether it is back
  bool left_out = false;  // permanently
};

/// Seconds until a source that has no question now is asked again.
constexpr double kLaterPause = 0.1;

}  // namespace

struct Dispatcher::State {
  State(Transport& used, DispatchOptions given) : transport_(used), options_(std::move(given)), random_(options_.seed) {
    for (size_t i = 0; i < options_.servers.size(); ++i) {
      const int most = options_.most_in_flight;
      servers_.emplace_back(options_.slots.empty()
                                ? ConcurrencyLimit(most)
                                : ConcurrencyLimit(std::min(most, options_.slots[i]), options_.slots[i]));
    }
  }

  Status run(const Requests& requests, const std::stop_token& stop) {
    requests_ = &requests;
    all_given_ = ended_ = false;
    next_at_ = 0;
    last_success_ = transport_.now();
    Status status = work(stop);
    if (!flights_.empty()) transport_.abandon();
    for (const auto& [id, flight] : flights_) --servers_[flight.server].in_flight;
    flights_.clear();
    waiting_.clear();
    return status;
  }

 private:
  Status work(const std::stop_token& stop) {
    const bool any_left = std::any_of(servers_.begin(), servers_.end(), [](const Server& s) { return !s.left_out; });
    if (!any_left) return tl::unexpected<Error>(last_error_);  // of an earlier call
    while (!ended_ && !stop.stop_requested()) {
      while (send_one()) {
      }
      if (finished()) break;
      std::vector<Transport::Arrival> arrivals = transport_.receive(pause(), stop);
      for (Server& server : servers_) server.full = server.in_flight >= server.limit.limit();  // before these
      for (Transport::Arrival& arrival : arrivals) {
        if (ended_ || stop.stop_requested()) break;
        if (auto ok = handle(arrival); !ok) return ok;
      }
      if (auto ok = check_patience(); !ok) return ok;
    }
    return {};
  }

  [[nodiscard]] bool finished() const { return all_given_ && flights_.empty() && waiting_.empty(); }

  /// How long to wait for replies: until the next time at which something may be sent.
  double pause() const {
    const double now = transport_.now();
    double until = now + 0.5;
    for (const auto& [due, pending] : waiting_) until = std::min(until, std::max(due, now + 0.001));
    if (!all_given_ && next_at_ > now) until = std::min(until, next_at_);
    for (const Server& server : servers_) {
      if (!server.left_out && server.not_before > now) until = std::min(until, server.not_before);
    }
    return until - now;
  }

  bool has_room(const Server& server, double now) const {
    if (server.left_out || now < server.not_before) return false;
    return server.in_flight < (server.away ? 1 : server.limit.limit());
  }

  /// The server with the lowest share of its limit in use; the server of this request's last failure only if no other
  /// is available.
  size_t choose_server(const Pending& pending, double now) const {
    size_t best = SIZE_MAX;
    double best_load = 0;
    for (size_t i = 0; i < servers_.size(); ++i) {
      if (!has_room(servers_[i], now)) continue;
      const double load = servers_[i].in_flight / static_cast<double>(servers_[i].limit.limit()) +
                          (i == pending.failed_at) + 2.0 * servers_[i].away - 2.0 * (i == pending.goes_on_at);
      if (best == SIZE_MAX || load < best_load) best = i, best_load = load;
    }
    return best;
  }

  bool send_one() {
    const double now = transport_.now();
    const bool again = !waiting_.empty() && waiting_.begin()->first <= now;
    if (!again && (all_given_ || now < next_at_)) return false;
    Pending pending = again ? waiting_.begin()->second : Pending{};
    const size_t server = choose_server(pending, now);
    if (server == SIZE_MAX) return false;
    if (again) {
      waiting_.erase(waiting_.begin());
    } else {
      const NextPlan next = requests_->next();
      all_given_ = next.kind == NextPlan::Kind::kEnd;
      if (next.kind == NextPlan::Kind::kLater) next_at_ = now + kLaterPause;
      if (next.kind != NextPlan::Kind::kQuestion) return false;
      pending.index = next.index;
    }
    const Request request = requests_->make(pending.index, server);
    const size_t id = n_sent_++;
    flights_.emplace(id, Flight{pending, server, now, request.work});
    ++servers_[server].in_flight;
    transport_.send(id, server, request);
    return true;
  }

  Status handle(Transport::Arrival& arrival) {
    const auto found = flights_.find(arrival.id);
    if (found == flights_.end()) return {};
    const Flight flight = found->second;
    flights_.erase(found);
    --servers_[flight.server].in_flight;
    const Reply& reply = arrival.reply;
    if (reply.status >= 200 && reply.status <= 299) return succeeded(flight, reply);
    if (reply.status == 0 && reply.transient) return unreachable(flight, reply.error);
    if (net::is_transient_status(reply.status)) return refused_for_now(flight, reply);
    return refused(flight, reply);
  }

  Status succeeded(const Flight& flight, const Reply& reply) {
    const double now = transport_.now();
    auto taken = requests_->take(flight.pending.index, reply.body);
    if (!taken && taken.error().code != ErrorCode::kFailed) return forward(taken);
    answered(flight.server);
    if (!taken) return again(flight, at(flight, taken.error()), std::nullopt, /*is_reply_wrong=*/true);
    servers_[flight.server].limit.completed(now, flight.work, servers_[flight.server].full);
    last_success_ = now;
    exhausted_ = 0;
    ended_ = *taken == Taken::kEnd;
    if (*taken != Taken::kMore) return {};
    Pending next;
    next.index = flight.pending.index;
    next.goes_on_at = flight.server;
    waiting_.emplace(now, next);
    return {};
  }

  /// The server has answered, so it is not away.
  void answered(size_t index) {
    Server& server = servers_[index];
    if (server.away) note(options_.servers[index] + " answers again");
    if (server.away) server.limit.restart();
    server.failures = 0;
    server.away = false;
  }

  Status unreachable(const Flight& flight, const Error& error) {
    Server& server = servers_[flight.server];
    last_error_ = at(flight, error);
    if (++server.failures >= kAway) {
      if (!server.away) say_away(flight.server, error);
      server.away = true;
      const double pause = delay(server.failures - kAway, std::nullopt).value_or(0);
      server.not_before = transport_.now() + std::min(pause, kLongestAwayPause);
    }
    return again(flight, last_error_, std::nullopt);
  }

  Status refused_for_now(const Flight& flight, const Reply& reply) {
    Server& server = servers_[flight.server];
    const double now = transport_.now();
    const bool load = reply.status == 429 || reply.status == 503;
    if (load) server.limit.pushed_back(now, flight.sent_at);
    answered(flight.server);
    Error error = http_error(flight, reply);
    if (!delay(flight.pending.attempts, reply.retry_after)) {
      error.message += fmt::format(", and asks for a pause of {} s", reply.retry_after->count() / 1000);
      return leave_out(flight, std::move(error));
    }
    if (load && reply.retry_after) server.not_before = std::max(server.not_before, now + seconds(*reply.retry_after));
    return again(flight, std::move(error), reply.retry_after);
  }

  /// No further attempt can help at this server. If the request itself is at fault, other servers would refuse it, too:
  /// only this request ends.
  Status refused(const Flight& flight, const Reply& reply) {
    Error error = reply.status == 0 ? at(flight, reply.error) : http_error(flight, reply);
    const bool about_request = reply.status == 400 || reply.status == 413 || reply.status == 422;
    if (about_request) {
      answered(flight.server);
      last_success_ = transport_.now();
      ended_ = !requests_->take_refusal(flight.pending.index, error);
      return {};
    }
    return leave_out(flight, std::move(error));
  }

  Status leave_out(const Flight& flight, Error error) {
    Server& server = servers_[flight.server];
    const bool news = !std::exchange(server.left_out, true);
    const bool all = std::all_of(servers_.begin(), servers_.end(), [](const Server& s) { return s.left_out; });
    if (all) {
      last_error_ = error;
      return tl::unexpected<Error>(std::move(error));
    }
    if (news) note(error.text() + "; the server is left out");
    Pending pending = flight.pending;
    pending.failed_at = flight.server;
    waiting_.emplace(transport_.now(), pending);
    return {};
  }

  /// Schedules another attempt, unless the request has had its attempts while others succeeded or a server answered.
  /// Then it is at fault, and ends alone; where one after the other is, the servers are, as where replies are wrong.
  Status again(const Flight& flight, Error error, std::optional<std::chrono::milliseconds> retry_after,
               bool is_reply_wrong = false) {
    Pending pending = flight.pending;
    const double now = transport_.now();
    if (pending.first_failure < 0) pending.first_failure = now;
    pending.failed_at = flight.server;
    ++pending.attempts;
    const bool server_works = !servers_[flight.server].away && servers_[flight.server].failures == 0;
    if (pending.attempts >= options_.retry.attempts && (server_works || last_success_ > pending.first_failure)) {
      error.message += fmt::format(" ({} attempts)", pending.attempts);
      if (is_reply_wrong || ++exhausted_ == kMostExhausted) return tl::unexpected<Error>(std::move(error));
      ended_ = !requests_->take_refusal(pending.index, error);
      return {};
    }
    waiting_.emplace(now + delay(pending.attempts - 1, retry_after).value_or(0), pending);
    return {};
  }

  static double seconds(std::chrono::milliseconds time) { return std::chrono::duration<double>(time).count(); }

  /// Seconds to wait after this many attempts; nothing if the server asks for a longer wait than allowed.
  std::optional<double> delay(int attempts, std::optional<std::chrono::milliseconds> retry_after) {
    net::RetryPolicy policy = options_.retry;
    policy.attempts = std::numeric_limits<int>::max();  // again() limits the number
    const double jitter = std::uniform_real_distribution<double>(0, 1)(random_);
    const auto wait = net::retry_wait(policy, attempts, retry_after, jitter);
    return wait ? std::optional(seconds(*wait)) : std::nullopt;
  }

  /// Fails if all servers have been away for longer than the allowed wait.
  Status check_patience() {
    const bool any =
        std::any_of(servers_.begin(), servers_.end(), [](const Server& s) { return !s.left_out && !s.away; });
    if (any || finished() || transport_.now() - last_success_ < options_.wait) return {};
    Error error = last_error_;
    error.message += fmt::format("; no server answered for {:.0f} s", options_.wait);
    error.next = "use ‹wait› SECONDS to wait longer";
    return tl::unexpected<Error>(std::move(error));
  }

  void say_away(size_t index, const Error& error) {
    const bool others = std::any_of(servers_.begin(), servers_.end(), [&](const Server& server) {
      return &server != &servers_[index] && !server.left_out && !server.away;
    });
    note(fmt::format(
        "{} does not answer ({}); {}", options_.servers[index], error.message,
        others ? "the other servers take over" : fmt::format("waiting for at most {:.0f} s", options_.wait)));
  }

  Error at(const Flight& flight, Error error) const {
    if (error.where.empty()) error.where = options_.servers[flight.server];
    return error;
  }

  Error http_error(const Flight& flight, const Reply& reply) const {
    Error error{ErrorCode::kFailed, "the server answers " + refusal(reply.status, reply.body),
                options_.servers[flight.server], ""};
    if (reply.status == 401 || reply.status == 403) error.next = "put the key into HRE_API_KEY or ‹api_key_file›";
    return error;
  }

  void note(const std::string& message) const {
    if (options_.note) options_.note(message);
  }

  Transport& transport_;
  const DispatchOptions options_;
  std::vector<Server> servers_;
  std::mt19937_64 random_;
  size_t n_sent_ = 0;

  // State of one call of run().
  const Requests* requests_ = nullptr;
  std::map<size_t, Flight> flights_;
  std::multimap<double, Pending> waiting_;  // by the time at which they are due
  bool all_given_ = false, ended_ = false;
  double next_at_ = 0;  // when to ask the source again
  double last_success_ = 0;
  int exhausted_ = 0;  // requests that had all their attempts, since the last success
  Error last_error_;
};

Dispatcher::Dispatcher(Transport& transport, DispatchOptions options)
    : state_(std::make_unique<State>(transport, std::move(options))) {}
Dispatcher::~Dispatcher() = default;

Status Dispatcher::run(const Requests& requests, const std::stop_token& stop) { return state_->run(requests, stop); }

}  // namespace hre::server
