/// hre serve: an evaluation service. Jobs come by HTTP into a queue in the store of runs, and are evaluated one after
/// the other, as hre watch does it. This thread evaluates; another one, the server's, answers (service/routes.h).
///
/// Nothing is remembered but the store, so a service may be killed at any moment: its job is queued again, and all
/// answers that were scored before come from the store.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <ostream>

#include "cli/checkpoint_evaluator.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "core/dates.h"
#include "core/file_lock.h"
#include "core/files.h"
#include "core/open_files.h"
#include "core/text.h"
#include "core/visible.h"
#include "eval/where.h"
#include "hre/store.h"
#include "hre/summary.h"
#include "net/http_server.h"
#include "net/retry.h"
#include "report/run_json.h"
#include "service/routes.h"
#include "store/job_queue.h"

namespace hre::cli {
namespace {

using service::FoundCheckpoint;
using service::JobRequest;
using service::WatchLine;
using store::Job;
using store::JobStatus;

constexpr size_t kShortestToken = 16;

struct ServeArguments {
  CheckpointOptions checkpoints;
  std::vector<std::string> folders, models;
  std::string listen = "127.0.0.1:8765", token_file;
  int64_t most_queued = 1000;
  int most_connections = 1024, client_timeout = 20;
  double patience = 60;
  std::optional<double> time_limit;
};

/// --token-file, or HRE_SERVE_TOKEN; empty where there is none.
Result<std::string> read_token(const std::string& file) {
  std::string token;
  if (!file.empty()) {
    auto text = read_file(file, 1 << 16);
    if (!text) return forward(text);
    token = std::move(*text);
  } else if (const char* given = std::getenv("HRE_SERVE_TOKEN")) {
    token = given;
  }
  while (!token.empty() && is_space(token.back())) token.pop_back();
  const std::string where = file.empty() ? "HRE_SERVE_TOKEN" : file;
  if (token.empty() && !file.empty()) return input_error("holds no token", where);
  if (!token.empty() && token.size() < kShortestToken) {
    return input_error(fmt::format("a token has at least {} characters", kShortestToken), where,
                       "openssl rand -hex 32 makes one");
  }
  return token;
}

/// The whole result of a completed job, as hre eval --json writes it.
Result<std::string> result_json(const std::string& store, const Job& job, bool details) {
  const auto line = service::parse_watch_line(job.result);
  if (!line || line->run.empty()) return input_error("the job has no run in the store");
  auto opened = RunStore::open(store);
  if (!opened) return forward(opened);
  auto run = opened->load(line->run);
  if (!run) return forward(run);
  add_dates(*run);
  return run_json(*run, summarize(*run), details);
}

class Service {
 public:
  Service(const ServeArguments& arguments, service::Folders folders, store::JobQueue queue, Dataset dataset,
          std::optional<CheckpointGate> gate, ProgressListener& progress, Console& console)
      : a_(arguments),
        folders_(std::move(folders)),
        queue_(std::move(queue)),
        progress_(progress),
        console_(console),
        notices_(console),
        evaluator_(
            a_.checkpoints, std::move(dataset), std::move(gate), a_.checkpoints.store + ".serve",
            [this](const std::string& path) { return name_below(folders_.all(), path); }, notices_, console),
        board_([this] { wake(); }) {}

  Status run(const net::HttpServerOptions& server, const std::string& token);

 private:
  Status start(const net::HttpServerOptions& server, const std::string& token);
  Status load_lines();
  void wake();
  void work();
  void run_job(const Job& job);
  Result<CheckpointResult> evaluate(const Job& job, const std::stop_token& stop);
  Result<FoundCheckpoint> find(const Job& job, const JobRequest& request, const std::stop_token& stop);
  void end(const Job& job, JobStatus status, const std::string& why, const std::string& result = "");
  [[nodiscard]] bool stopped() const { return console_.stop.stop_requested(); }

  const ServeArguments& a_;
  service::Folders folders_;
  store::JobQueue queue_;
  ProgressListener& progress_;
  Console& console_;
  Notices notices_;
  CheckpointEvaluator evaluator_;
  std::vector<WatchLine> lines_;  // of completed jobs, one for each run

  service::JobBoard board_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool is_changed_ = false;
  std::atomic<net::HttpServer*> waked_ = nullptr;
  std::unique_ptr<service::Routes> routes_;  // the server's thread has it
  std::unique_ptr<net::HttpServer> server_;  // last: it ends first
};

/// What the board knows has changed: for clients that wait, and for a queue that was empty.
void Service::wake() {
  if (net::HttpServer* const server = waked_) server->wake();
  const std::lock_guard lock(mutex_);
  is_changed_ = true;
  changed_.notify_all();
}

Status Service::start(const net::HttpServerOptions& server, const std::string& token) {
  auto queue = store::JobQueue::open(a_.checkpoints.store);
  if (!queue) return forward(queue);
  service::RoutesOptions options{.folders = folders_};
  options.models = a_.models;
  options.token = token;
  options.is_loopback = net::is_loopback(server.address);
  options.most_queued = a_.most_queued;
  options.page = a_.checkpoints.page + "/index.html";
  options.version = HRE_VERSION;
  options.result_json = [this](const Job& job, bool details) {
    return result_json(a_.checkpoints.store, job, details);
  };
  options.connections = [this] {
    const net::HttpServer* const running = waked_;
    return running == nullptr ? 0 : running->connections();
  };
  routes_ = std::make_unique<service::Routes>(std::move(options), std::move(*queue), board_);
  net::ServerHandler handler;
  handler.refuse = [this](const net::ServerRequest& request) { return routes_->refuse(request); };
  handler.answer = [this](const net::ServerRequest& request) { return routes_->answer(request); };
  handler.error = [this](int status, const std::string& message) { return routes_->error(status, message); };
  auto started = net::HttpServer::start(server, std::move(handler));
  if (!started) return forward(started);
  server_ = std::move(*started);
  waked_ = server_.get();
  return {};
}

Status Service::load_lines() {
  auto jobs = queue_.completed();
  if (!jobs) return forward(jobs);
  for (const Job& job : *jobs) {
    auto line = service::parse_watch_line(job.result);
    if (!line) continue;  // of another version
    line->text.clear();
    std::erase_if(lines_, [&](const WatchLine& other) { return other.run == line->run; });
    lines_.push_back(std::move(*line));
  }
  return {};
}

Status Service::run(const net::HttpServerOptions& server, const std::string& token) {
  if (auto ok = queue_.put_back(false); !ok) return ok;
  if (auto ok = load_lines(); !ok) return ok;
  evaluator_.release_leftovers([](const std::string&) { return true; });  // only what is being evaluated is needed
  if (auto ok = start(server, token); !ok) return ok;
  const std::string host = server.address.find(':') == std::string::npos ? server.address : "[" + server.address + "]";
  console_.out << fmt::format("serving at http://{}:{}/\n", host, server_->port()) << std::flush;
  while (!stopped()) work();
  waked_ = nullptr;
  server_->stop();
  auto ok = queue_.put_back(true);
  const auto counts = queue_.counts();
  if (counts && (*counts)[0] > 0) {
    progress_.note("stopped; " + counted((*counts)[0], "job") + " kept in the queue: the same command goes on");
  }
  return ok;
}

/// Does one job, or waits for one.
void Service::work() {
  {
    const std::lock_guard lock(mutex_);
    is_changed_ = false;
  }
  auto job = queue_.take();
  if (!job) {
    notices_.say_once("queue", job.error().text() + "; hre tries again");
    net::sleep_unless_stopped(std::chrono::seconds(1), console_.stop);
    return;
  }
  notices_.forget("queue");
  if (*job) run_job(**job);
  const auto counts = queue_.counts();
  const bool others_wait = counts && (*counts)[0] > 0;
  if (auto ok = evaluator_.write_page(lines_, others_wait); !ok) return;  // interrupted
  if (*job) return;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, console_.stop, [&] { return is_changed_; });
}

/// The result is in the store when this returns, unless the service is stopped.
void Service::end(const Job& job, JobStatus status, const std::string& why, const std::string& result) {
  for (auto ok = queue_.end(job.id, status, why, result); !ok; ok = queue_.end(job.id, status, why, result)) {
    notices_.say_once("end", ok.error().text() + "; hre tries again until it can be");
    if (!net::sleep_unless_stopped(std::chrono::seconds(1), console_.stop)) return;
  }
  notices_.forget("end");
}

void Service::run_job(const Job& job) {
  constexpr int64_t kDeaths = 3;
  const std::string name = name_below(folders_.all(), job.model);
  std::stop_source ends;
  const std::stop_callback passed_on(console_.stop, [&ends] { ends.request_stop(); });
  progress_.note(fmt::format("job {}: evaluating {}", job.id, name));
  board_.begin(job.id, ends);
  board_.queue_changed();
  auto result = job.attempts > kDeaths
                    ? input_error(fmt::format("hre ended {} times while it evaluated this", job.attempts - 1))
                    : evaluate(job, ends.get_token());
  const bool is_cancelled = board_.is_cancelled();
  if (!result && result.error().code == ErrorCode::kInterrupted) {
    if (is_cancelled && !stopped()) end(job, JobStatus::kCancelled, "");
  } else if (!result) {
    const std::string why = message_line(result.error().text());
    notices_.say(fmt::format("job {}: {} failed: {}", job.id, name, why));
    end(job, JobStatus::kFailed, why);
  } else {
    const std::string id = result->run->id;
    std::erase_if(lines_, [&](const WatchLine& line) { return line.run == id; });  // the same, evaluated again
    evaluator_.compare(*result, lines_);
    result->time = utc_now();
    WatchLine line = watch_line(*result);
    end(job, JobStatus::kCompleted, "", line.text);
    console_.print(fmt::format("job {}: {}", job.id, watch_text(*result, name)));
    console_.out << std::flush;
    line.text.clear();
    lines_.push_back(std::move(line));
    evaluator_.page_is_old();
  }
  board_.end();
  board_.queue_changed();
}

/// The files that are meant now: what the path led to when the job came may have been replaced by a link to elsewhere.
Result<FoundCheckpoint> Service::find(const Job& job, const JobRequest& request, const std::stop_token& stop) {
  const std::chrono::duration<double> patience(a_.patience);  // ranks of a training may still be writing
  FoundCheckpoint checkpoint;
  checkpoint.path = job.model;
  checkpoint.training = request.training;
  checkpoint.step = request.step;
  if (std::ranges::find(a_.models, job.model) != a_.models.end()) return checkpoint;
  const auto path = folders_.resolve(job.model);
  if (!path || *path != job.model) return input_error("is no longer in a folder that this service may read", job.model);
  for (const auto begin = std::chrono::steady_clock::now();;) {
    auto found = service::find_checkpoint(*path);
    if (!found) return forward(found);
    if (!*found) break;  // the model's reader says what is wrong
    checkpoint = std::move(**found);
    if (checkpoint.incomplete.empty()) break;
    if (std::chrono::steady_clock::now() - begin > patience) {
      return input_error("is not complete: " + checkpoint.incomplete, job.model);
    }
    if (!net::sleep_unless_stopped(std::chrono::seconds(1), stop)) return fail(ErrorCode::kInterrupted, "interrupted");
  }
  if (!request.training.empty()) checkpoint.training = request.training;
  if (checkpoint.training.empty()) checkpoint.training = folder_of(*path);
  if (request.step) checkpoint.step = request.step;
  return checkpoint;
}

Result<CheckpointResult> Service::evaluate(const Job& job, const std::stop_token& stop) {
  constexpr int kTries = 3;
  const auto request = service::read_job_request(job.request);
  if (!request) return tl::unexpected<Error>(request.error());
  const auto checkpoint = find(job, *request, stop);
  if (!checkpoint) return tl::unexpected<Error>(checkpoint.error());
  EvalOptions eval = a_.checkpoints.evaluating.eval;
  if (request->limit) eval.limit = *request->limit;
  if (!request->topics.empty()) eval.topics = request->topics;
  std::optional<double> time_limit = a_.time_limit;
  if (request->time_limit) time_limit = std::min(*request->time_limit, time_limit.value_or(*request->time_limit));
  service::JobBoard::Listener listener(board_, progress_);
  for (int tries = 1;; ++tries) {
    auto result = evaluator_.evaluate(*checkpoint, eval, time_limit, stop, listener);
    if (result && CheckpointEvaluator::has_changed(*checkpoint)) {
      return input_error("changed while it was evaluated", job.model, "submit it again when it is complete");
    }
    const bool may_go_well = !result && result.error().code == ErrorCode::kFailed;  // no space, no memory
    if (!may_go_well || tries == kTries) return result;
    notices_.say(
        fmt::format("job {} could not be done ({} of {} attempts): {}", job.id, tries, kTries, result.error().text()));
    if (!net::sleep_unless_stopped(tries * std::chrono::seconds(10), stop))
      return fail(ErrorCode::kInterrupted, "interrupted");
  }
}

Status run_serve(ServeArguments a, Console& console) {
  auto address = net::parse_listen_address(a.listen);
  if (!address) {
    address.error().where = "--listen " + a.listen;
    return forward(address);
  }
  auto token = read_token(a.token_file);
  if (!token) return forward(token);
  if (token->empty() && !net::is_loopback(address->first)) {
    return input_error("other machines can reach this address, so a token is needed", "--listen " + a.listen,
                       "give --token-file FILE, or set HRE_SERVE_TOKEN");
  }
  if (auto ok = a.checkpoints.finish("a service", console); !ok) return ok;
  if (a.folders.empty() && a.models.empty()) {
    return input_error("there is nothing that jobs may evaluate", "--folder", "give the folder of the checkpoints");
  }
  auto folders = service::Folders::open(a.folders);
  if (!folders) return forward(folders);
  auto gate = open_checkpoint_gate(a.checkpoints.gate, a.checkpoints.store);
  if (!gate) return forward(gate);
  auto queue = store::JobQueue::open(a.checkpoints.store);
  if (!queue) return forward(queue);
  auto lock = FileLock::try_take(a.checkpoints.store + ".serve.lock");
  if (!lock) return forward(lock);
  if (!*lock) return input_error("another hre serve works on this store", a.checkpoints.store, "give another --store");
  if (a.checkpoints.page.empty()) a.checkpoints.page = a.checkpoints.store + ".page";
  allow_many_files();
  const auto progress = make_progress(console, a.checkpoints.quiet);
  auto dataset = a.checkpoints.load_dataset(*progress, console);
  if (!dataset) return forward(dataset);
  net::HttpServerOptions server;
  server.address = address->first;
  server.port = address->second;
  server.most_connections = a.most_connections;
  server.longest_request = server.longest_silence = std::chrono::seconds(a.client_timeout);
  return Service(a, std::move(*folders), std::move(*queue), std::move(*dataset), std::move(*gate), *progress, console)
      .run(server, *token);
}

}  // namespace

Action define_serve(CLI::App& app) {
  auto a = std::make_shared<ServeArguments>();
  app.add_option("--folder", a->folders,
                 "jobs may evaluate what lies in this folder, and nothing outside of it; repeatable")
      ->type_name("DIR")
      ->allow_extra_args(false);
  app.add_option("--model", a->models, "jobs may also evaluate this MODEL (hf:ORG/REPO, server:URL, ...); repeatable")
      ->type_name("MODEL")
      ->allow_extra_args(false);
  app.add_option("--listen", a->listen,
                 "listen at this address and port (default 127.0.0.1:8765); port 0 takes any that is free")
      ->type_name("ADDRESS:PORT");
  app.add_option("--token-file", a->token_file,
                 "a file with the token that clients must send; needed where other machines can connect (default: "
                 "$HRE_SERVE_TOKEN)")
      ->type_name("FILE");
  app.add_option("--queue", a->most_queued, "refuse jobs while so many wait (default 1000)")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000}).description(""));
  app.add_option("--connections", a->most_connections, "hold so many connections at most (default 1024)")
      ->type_name("N")
      ->check(CLI::Range(8, 60'000).description(""));
  app.add_option(
         "--client-timeout", a->client_timeout,
         "close a connection whose request is not whole after so many seconds, or that takes none of its answer "
         "for as long (default 20)")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 3600).description(""));
  app.add_option("--time-limit", a->time_limit,
                 "end each evaluation after so many seconds; its value is of the questions done by then")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 1e9).description(""));
  app.add_option("--patience", a->patience,
                 "count a job as failed whose checkpoint is not complete after so many seconds (default 60)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 1e9).description(""));
  a->checkpoints.define(app, "keep the page of all results there (default: STORE.page); it is served at /");
  return [a](Console& console) { return run_serve(*a, console); };
}

}  // namespace hre::cli
