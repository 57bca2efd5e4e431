#pragma once
/// Sends many requests to one server or several: as many at once as each bears, again where that may help, to others
/// where one is away. One thread; time and the network are behind Transport, so that tests simulate both.

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
  double work = 1;       ///< for the throughput, in any unit
  size_t max_reply = 0;  ///< bytes of the answer that are read
};

/// What became of a request.
struct Reply {
  int status = 0;  ///< 0: there was no answer, and `error` says why
  std::string body;
  std::optional<std::chrono::milliseconds> retry_after;
  Error error;
  bool transient = true;  ///< without a status: another attempt may help
};

/// The network and the clock.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Sends in the background. `id` comes back with the reply.
  virtual void send(size_t id, size_t server, const Request& request) = 0;
  struct Arrival {
    size_t id;
    Reply reply;
  };
  /// The replies that have come; waits at most this long for the first. Returns early, perhaps with none, on a stop.
  virtual std::vector<Arrival> receive(double seconds, const std::stop_token& stop) = 0;
  /// Gives up all that was sent: nobody wants the replies any more, though some may come.
  virtual void abandon() = 0;
  /// Seconds from any fixed moment.
  virtual double now() = 0;
};

struct DispatchOptions {
  std::vector<std::string> servers;  ///< their URLs, for messages
  net::RetryPolicy retry;            ///< of one request, while its server answers others
  double wait = 60;                  ///< seconds that servers which are all away are waited for
  int most_in_flight = 256;          ///< requests to one server
  uint64_t seed = 1;                 ///< of the jitter: it moves times, never values
  std::function<void(const std::string&)> note;
};

/// The next job, for which there is room now; its number is the caller's.
using NextJob = std::function<NextPlan()>;
/// Requests are made when they are sent, so that one a place in flight is in memory.
using MakeRequest = std::function<Request(size_t job)>;
/// Takes the body of a 2xx. An error of kFailed means that it makes no sense, and is asked for again within the bound;
/// any other error ends the work. False ends it without an error.
using TakeReply = std::function<Result<bool>(size_t job, const std::string& body)>;
/// Is told what the servers find wrong with a job's request itself (400, 413, 422): no other attempt is made. False
/// ends the work without an error.
using TakeRefusal = std::function<bool(size_t job, const Error& error)>;

struct Jobs {
  NextJob next;
  MakeRequest make;
  TakeReply take;
  TakeRefusal take_refusal;
};

/// Lives as long as what it knows of the servers is of use: how much each bears, which are left out. For one thread.
class Dispatcher {
 public:
  /// The transport must live longer.
  Dispatcher(Transport& transport, DispatchOptions options);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// Does all jobs, in any order. Ends early, without an error, where `take` or `stop` says so; what is under way then
  /// is given up. Fails with what a server said where no attempt can help, and where no server has answered for as long
  /// as the policy waits.
  Status run(const Jobs& jobs, const std::stop_token& stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hre::server
