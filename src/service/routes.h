#pragma once
/// The interface of `hre serve` (docs/serve.md): a function from request to answer. It knows neither sockets nor
/// models: the queue is in the store, and what runs is on the board.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "net/http_server.h"
#include "service/folders.h"
#include "service/job_board.h"
#include "service/job_request.h"
#include "store/job_queue.h"

namespace hre::service {

struct RoutesOptions {
  Folders folders;
  std::vector<std::string> models = {};  ///< what jobs may name beside what lies in the folders
  std::string token = {};                ///< empty: none is asked for
  bool is_loopback = true;               ///< no other machine can connect
  int64_t most_queued = 1000;
  std::string page = {};     ///< the file that is shown at /
  std::string version = {};  ///< of hre
  /// The whole result of a completed job (hre-run/1), from the store.
  std::function<Result<std::string>(const store::Job& job, bool details)> result_json = {};
  std::function<int64_t()> connections = {};  ///< open now
};

/// For one thread, but for what the board and the queue's other connections do.
class Routes {
 public:
  Routes(RoutesOptions options, store::JobQueue queue, JobBoard& board);

  /// What can be refused before the body is read: see net::ServerHandler.
  std::optional<net::ServerAnswer> refuse(const net::ServerRequest& request);
  net::ServerAnswer answer(const net::ServerRequest& request);
  /// {"error": message}
  net::ServerAnswer error(int status, const std::string& message);

 private:
  struct Target;
  net::ServerAnswer counted(net::ServerAnswer answer);
  net::ServerAnswer failure(const Error& error, int status_of_input);
  [[nodiscard]] bool is_authorised(const net::ServerRequest& request) const;
  std::optional<net::ServerAnswer> refuse_origin(const net::ServerRequest& request);

  net::ServerAnswer route(const net::ServerRequest& request);
  net::ServerAnswer submit(const std::string& body);
  net::ServerAnswer training_event(const std::string& body, bool waits);
  net::ServerAnswer list(const Target& target);
  net::ServerAnswer job_route(const net::ServerRequest& request, const Target& target);
  net::ServerAnswer cancel(const store::Job& job);
  net::ServerAnswer events(int64_t id);
  net::ServerAnswer page();
  net::ServerAnswer metrics();
  /// Resolves the paths and puts it into the queue; the error of a full queue is kThreshold.
  Result<store::Job> enqueue(JobRequest request);
  [[nodiscard]] std::string job_text(const store::Job& job) const;

  RoutesOptions options_;
  store::JobQueue queue_;
  JobBoard& board_;
  std::map<int, int64_t> n_answers_;  // by status
};

/// The scalars that a training logs, named as hre.transformers.Callback names them. `line`: a result, hre-watch/1.
std::string training_metrics_json(const std::string& line);

/// Whether both are equal, in a time that doesn't depend on where they differ.
bool equal_in_constant_time(const std::string& given, const std::string& secret);

}  // namespace hre::service
