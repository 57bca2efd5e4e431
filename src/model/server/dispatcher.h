#pragma once
/// Sends many requests to one server or several: as many at once as each bears, again where that may help, to others
/// where one is away. One thread; time and the network are behind Transport, so that tests simulate both.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/result.h"
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
  virtual std::vector<Arrival> receive(double seconds) = 0;
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

/// Requests are made when they are sent, so that one a place in flight is in memory.
using MakeRequest = std::function<Request(size_t job)>;
/// Takes the body of a 2xx. An error of kFailed means that it makes no sense, and is asked for again within the bound;
/// any other error ends the work. False ends it without an error.
using TakeReply = std::function<Result<bool>(size_t job, const std::string& body)>;

/// Does all jobs, in any order. Ends early, without an error, where `take` or `stop` says so. Fails with what a server
/// said where no attempt can help, and where no server has answered for as long as the policy waits.
Status dispatch(size_t n_jobs, const MakeRequest& make, const TakeReply& take, Transport& transport,
                const DispatchOptions& options, const std::stop_token& stop);

}  // namespace hre::server
