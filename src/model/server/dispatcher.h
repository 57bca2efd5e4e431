#pragma once
/// Sends many requests to one server or several: as many at once as each server bears, with retries, and to other
/// servers if one is away. One thread; time and network are behind Transport, so that tests can simulate both.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/result.h"
#include "hre/scorer.h"
#include "net/retry.h"

namespace hre::server {

struct Request {
  std::string path;      ///< "/v1/completions"
  std::string body;      ///< JSON; empty: a GET
  double work = 1;       ///< for measuring throughput, in any unit
  size_t max_reply = 0;  ///< bytes of the response that are read
  bool once =
      false;  ///< a response of 5xx is an answer, too; heeded by the probe, which asks what a server may not know
};

/// The outcome of a request.
struct Reply {
  int status = 0;  ///< 0: there was no response, and `error` says why
  std::string body;
  std::optional<std::chrono::milliseconds> retry_after;
  Error error;
  bool transient = true;  ///< without a status: whether another attempt may help
};

/// The network and the clock.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Sends a request in the background. The reply carries its `id`.
  virtual void send(size_t id, size_t server, const Request& request) = 0;
  struct Arrival {
    size_t id;
    Reply reply;
  };
  /// Returns the replies that have arrived, and waits at most this long for the first. Returns early, perhaps without
  /// replies, on a stop.
  virtual std::vector<Arrival> receive(double seconds, const std::stop_token& stop) = 0;
  /// Abandons all requests in flight: their replies are no longer wanted, though some may still arrive.
  virtual void abandon() = 0;
  /// Seconds since some fixed moment.
  virtual double now() = 0;
};

struct DispatchOptions {
  std::vector<std::string> servers;  ///< their URLs, for messages
  net::RetryPolicy retry = {};       ///< for one request, while its server answers others
  double wait = 60;                  ///< how long to wait, in seconds, if all servers are away
  int most_in_flight = 256;          ///< requests to one server
  std::vector<int> slots = {};       ///< by server: how many requests it computes at once; empty: found by throughput
  uint64_t seed = 1;                 ///< of the jitter: it affects times, never values
  std::function<void(const std::string&)> note = {};
};

/// The next request, which can be sent at once; the caller chooses its number.
using NextRequest = std::function<NextPlan()>;
/// Makes a request for this server when it is sent, so that memory holds only the requests in flight.
using MakeRequest = std::function<Request(size_t request, size_t server)>;
enum class Taken {
  kDone,
  kMore,  ///< the request has another part, which is made next, for the same server if that has room
  kEnd,   ///< nothing more is wanted of any request
};
/// Receives the body of a 2xx. An error of kFailed means that the body is malformed; the request is then repeated
/// within the limits. Any other error ends the work.
using TakeReply = std::function<Result<Taken>(size_t request, const std::string& body)>;
/// Receives a server's objection to a request itself (400, 413, 422), which is not repeated. False ends the work
/// without an error.
using TakeRefusal = std::function<bool(size_t request, const Error& error)>;

struct Requests {
  NextRequest next;
  MakeRequest make;
  TakeReply take;
  TakeRefusal take_refusal;
};

/// Keep it as long as its knowledge about the servers (how much each bears, which are left out) is useful. For one
/// thread.
class Dispatcher {
 public:
  /// The transport must outlive the dispatcher.
  Dispatcher(Transport& transport, DispatchOptions options);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// Does all requests, in any order. Ends early, without an error, if `take` or `stop` says so; requests in flight are
  /// then abandoned. Fails with the server's message if no attempt can help, and if no server has answered for as long
  /// as the policy waits.
  Status run(const Requests& requests, const std::stop_token& stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hre::server
