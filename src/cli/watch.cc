/// hre watch: evaluates a training's checkpoints as they become complete.
///
/// What is remembered is the file of JSON lines and the store of runs, so a watch may be killed at any moment: a
/// checkpoint without a line is evaluated again, and all its answers that were scored before come from the store.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <ostream>
#include <set>

#include "cli/checkpoint_evaluator.h"
#include "cli/choice.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "cli/watch_result.h"
#include "core/dates.h"
#include "core/files.h"
#include "core/named.h"
#include "core/text.h"
#include "core/visible.h"
#include "net/http.h"
#include "net/retry.h"
#include "net/url.h"
#include "service/checkpoints.h"
#include "service/delivery.h"
#include "service/watch_log.h"

namespace hre::cli {
namespace {

namespace fs = std::filesystem;
using service::FoundCheckpoint;
using service::WatchLine;
using std::chrono::milliseconds;

/// What is done with checkpoints that are there when another one is done.
enum class Backlog {
  kAll,     ///< evaluate them in their order
  kLatest,  ///< skip to the last
};
constexpr Named<Backlog> kBacklogs[] = {{"all", Backlog::kAll}, {"latest", Backlog::kLatest}};

struct WatchArguments {
  std::vector<std::string> folders;
  CheckpointOptions checkpoints;
  std::string json_lines, on_result, webhook, stop_file;
  Backlog backlog = Backlog::kAll;
  double every = 10, settle = 10, patience = 600, result_timeout = 60;
  std::optional<double> time_limit;
  bool once = false, retry_failed = false;
};

/// Absolute, so that a restart from another folder knows the checkpoints again.
Result<std::vector<std::string>> folders_of(const std::vector<std::string>& given) {
  std::vector<std::string> folders;
  for (const std::string& folder : given) {
    std::error_code problem;
    const fs::path whole = fs::canonical(folder, problem);
    if (problem || !fs::is_directory(whole, problem)) {
      return input_error(path_exists(folder) ? "is no folder" : "there is no such folder", folder,
                         "DIR is the folder where a training writes its checkpoints; make it if it has yet to start");
    }
    folders.push_back(whole.string());
  }
  return folders;
}

class Watch {
 public:
  Watch(const WatchArguments& arguments, std::vector<std::string> folders, service::WatchLog log, Dataset dataset,
        std::optional<CheckpointGate> gate, ProgressListener& progress, Console& console)
      : a_(arguments),
        folders_(std::move(folders)),
        log_(std::move(log)),
        progress_(progress),
        console_(console),
        notices_(console),
        evaluator_(
            a_.checkpoints, std::move(dataset), std::move(gate), fs::absolute(log_.path()).lexically_normal().string(),
            [this](const std::string& path) { return name_of(path); }, notices_, console),
        settling_(seconds(arguments.settle)),
        died_at_(log_.begun()) {
    for (const WatchLine& line : log_.lines()) {
      if (line.status == "failed" && a_.retry_failed) {
        known_.erase({line.path, line.identity});
      } else {
        known_.insert({line.path, line.identity});
      }
    }
  }

  Status run();

 private:
  enum class Step { kWorked, kWait, kNothingLeft };

  Result<Step> look();
  std::vector<FoundCheckpoint> find();
  Status evaluate_next(const std::vector<FoundCheckpoint>& ready);
  Status evaluate(const FoundCheckpoint& checkpoint);
  Status finish(CheckpointResult result);
  Status deliver(const WatchLine& line);
  Status deliver_rest();

  [[nodiscard]] bool stopped() const { return console_.stop.stop_requested(); }
  /// Once all that is there is done with, the watch ends.
  [[nodiscard]] bool ends() const { return a_.once || (!a_.stop_file.empty() && path_exists(a_.stop_file)); }
  [[nodiscard]] std::string name_of(const std::string& path) const { return name_below(folders_, path); }

  const WatchArguments& a_;
  std::vector<std::string> folders_;
  service::WatchLog log_;
  ProgressListener& progress_;
  Console& console_;
  Notices notices_;
  CheckpointEvaluator evaluator_;
  service::Settling settling_;
  service::WatchLog::Begun died_at_;                             // where the watch before this one was
  service::KnownCheckpoints known_;                              // done with, by path and identity
  std::map<std::pair<std::string, std::string>, int> attempts_;  // that failed for want of means
  std::map<std::string, FoundCheckpoint> waiting_;               // settled and not yet done with, by path
  std::optional<Error> unreadable_;                              // of a folder, at the last look
  net::HttpClient client_;
  int64_t n_failed_attempts_ = 0;
  milliseconds next_look_{0};
};

/// All that is not known, by training and step. A folder that can't be read now may be back later.
std::vector<FoundCheckpoint> Watch::find() {
  std::vector<FoundCheckpoint> all;
  std::set<std::string> paths;
  unreadable_.reset();
  for (const std::string& folder : folders_) {
    auto found = service::find_checkpoints(folder, known_);
    if (!found) {
      if (!ends()) notices_.say_once(folder, found.error().text() + "; hre looks again");
      unreadable_ = found.error();
      continue;
    }
    notices_.forget(folder);
    for (FoundCheckpoint& one : *found) {
      if (!known_.contains({one.path, one.identity}) && paths.insert(one.path).second) all.push_back(std::move(one));
    }
  }
  return all;
}

/// Looks once, and evaluates at most one checkpoint.
Result<Watch::Step> Watch::look() {
  const auto now = service::Settling::Now::read();
  std::vector<FoundCheckpoint> ready;
  milliseconds pause = seconds(a_.every);
  bool is_pending = false;
  std::map<std::string, FoundCheckpoint> waiting;
  for (FoundCheckpoint& one : find()) {
    const milliseconds quiet = settling_.quiet(one, now), settle = seconds(a_.settle);
    if (!one.incomplete.empty()) {
      if (quiet >= seconds(a_.patience)) {
        CheckpointResult failed{.checkpoint = one, .status = "failed"};
        failed.why = "it is not complete, and nothing has changed for " + format_number(std::floor(a_.patience)) +
                     " s: " + one.incomplete;
        if (auto ok = finish(std::move(failed)); !ok) return forward(ok);
      } else if (quiet >= settle || a_.once) {
        notices_.say_once(one.path, name_of(one.path) + " is not complete: " + one.incomplete);
      }
      continue;
    }
    if (quiet < settle) {
      is_pending = true;
      pause = std::min(pause, settle - quiet);
      continue;
    }
    waiting.emplace(one.path, one);
    if (attempts_[{one.path, one.identity}] == 0 || !a_.once) ready.push_back(std::move(one));
  }
  for (const auto& [path, before] : waiting_) {
    if (waiting.contains(path) || path_exists(path) || known_.contains({path, before.identity})) continue;
    if (unreadable_ || !path_exists(before.training)) {  // a file system may be back later
      waiting.emplace(path, before);
      continue;
    }
    CheckpointResult gone{.checkpoint = before, .status = "skipped", .why = "it was removed before it was evaluated"};
    if (auto ok = finish(std::move(gone)); !ok) return forward(ok);
  }
  waiting_ = std::move(waiting);
  if (auto ok = evaluator_.write_page(log_.lines(), !ready.empty()); !ok) return forward(ok);
  if (!ready.empty()) {
    if (auto ok = evaluate_next(ready); !ok) return forward(ok);
    return Step::kWorked;
  }
  if (unreadable_ && ends()) return tl::unexpected<Error>(*unreadable_);
  next_look_ = std::max(pause, milliseconds(20));
  return is_pending || !ends() ? Step::kWait : Step::kNothingLeft;
}

/// Of these, in their order or by the policy of what is late.
Status Watch::evaluate_next(const std::vector<FoundCheckpoint>& ready) {
  // What ends the process every time must not keep all others from their turn.
  constexpr int kDeaths = 2;
  size_t chosen = 0;
  if (died_at_.times >= kDeaths && ready.size() > 1 && ready[0].path == died_at_.path && a_.backlog == Backlog::kAll) {
    notices_.say_once("died", fmt::format("hre ended {} times in a row while {} was evaluated, so others come first",
                                          died_at_.times, name_of(died_at_.path)));
    chosen = 1;
  }
  if (a_.backlog == Backlog::kLatest) {
    while (chosen + 1 < ready.size() && ready[chosen + 1].training == ready[0].training) ++chosen;
    for (size_t i = 0; i < chosen; ++i) {
      CheckpointResult skipped{.checkpoint = ready[i], .status = "skipped", .why = "a later checkpoint was there"};
      if (auto ok = finish(std::move(skipped)); !ok) return ok;
    }
  }
  return evaluate(ready[chosen]);
}

Status Watch::evaluate(const FoundCheckpoint& checkpoint) {
  constexpr int kAttempts = 3;
  const std::string& path = checkpoint.path;
  progress_.note("evaluating " + name_of(path));
  if (auto ok = log_.set_begun(path); !ok) notices_.say_once("begun", ok.error().text());
  const auto begin = std::chrono::steady_clock::now();
  auto result =
      evaluator_.evaluate(checkpoint, a_.checkpoints.evaluating.eval, a_.time_limit, console_.stop, progress_);
  (void)log_.set_begun("");  // it only counts where the process ends before
  if (stopped()) return fail(ErrorCode::kInterrupted, "interrupted; the answers scored so far are kept");
  if (!result) {
    const Error& why = result.error();
    if (why.code != ErrorCode::kInput) {  // no space, no memory: it may go well later
      ++n_failed_attempts_;
      const int n = ++attempts_[{path, checkpoint.identity}];
      notices_.say(
          fmt::format("{} could not be evaluated ({} of {} attempts): {}", name_of(path), n, kAttempts, why.text()));
      if (a_.once) return {};
      if (n < kAttempts) {
        net::sleep_unless_stopped(n * seconds(a_.every), console_.stop);
        return {};
      }
    }
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return finish({.checkpoint = checkpoint, .status = "failed", .why = message_line(why.text()), .seconds = took});
  }
  // One that was rewritten meanwhile is another checkpoint now.
  if (CheckpointEvaluator::has_changed(checkpoint)) {
    notices_.say(name_of(path) + " changed while it was evaluated, so that is not counted");
    return {};
  }
  // Only its times changed since a line was written.
  for (const WatchLine& line : log_.lines()) {
    if (line.path != path || line.run.empty() || line.run != result->run->id || line.status != "evaluated") continue;
    progress_.note(name_of(path) + " has the content that was evaluated before");
    known_.insert({path, checkpoint.identity});
    return {};
  }
  evaluator_.compare(*result, log_.lines());
  return finish(std::move(*result));
}

/// Writes the line of a checkpoint that is done with, and tells of it. A full disk is waited for: without its line the
/// checkpoint would be evaluated again.
Status Watch::finish(CheckpointResult result) {
  result.time = utc_now();
  const WatchLine line = watch_line(result);
  for (auto ok = log_.append(line); !ok; ok = log_.append(line)) {
    if (a_.once) return ok;
    notices_.say_once("lines", ok.error().text() + "; hre tries again until it can be");
    if (!net::sleep_unless_stopped(std::max(seconds(a_.every), milliseconds(100)), console_.stop)) return ok;
  }
  known_.insert({line.path, line.identity});
  const std::string text = watch_text(result, name_of(line.path));
  if (result.status == "evaluated") {
    console_.print(text);
    console_.out << std::flush;
  } else {
    console_.err << message_text(text.substr(0, text.size() - 1), console_.err_is_terminal) << std::flush;
  }
  result.run.reset();  // answers take memory
  if (line.status == "evaluated") evaluator_.page_is_old();
  return deliver_rest();
}

/// One that fails is told of; only an interruption is an error.
Status Watch::deliver(const WatchLine& line) {
  if (line.status == "skipped") return {};
  if (!a_.on_result.empty()) {
    const auto take = [&](const std::string& said) { console_.err << visible_line(said) << '\n' << std::flush; };
    const auto ok = service::run_command(a_.on_result, line.text + "\n", watch_environment(line),
                                         seconds(a_.result_timeout), take, console_.stop);
    if (stopped()) return fail(ErrorCode::kInterrupted, "interrupted");
    if (!ok) notices_.say("the command for results failed at " + name_of(line.path) + ": " + ok.error().text());
  }
  if (!a_.webhook.empty()) {
    const auto ok = service::post_json(client_, a_.webhook, line.text, console_.stop);
    if (stopped()) return fail(ErrorCode::kInterrupted, "interrupted");
    if (!ok) notices_.say("the result of " + name_of(line.path) + " could not be posted: " + ok.error().text());
  }
  return {};
}

/// A watch that was killed in between delivers again.
Status Watch::deliver_rest() {
  while (log_.delivered() < log_.lines().size()) {
    if (auto ok = deliver(log_.lines()[log_.delivered()]); !ok) return ok;
    if (auto ok = log_.set_delivered(log_.delivered() + 1); !ok) {
      notices_.say_once("delivered", ok.error().text());
      break;  // it is delivered again by the next watch
    }
  }
  return {};
}

Status Watch::run() {
  std::vector<std::string> shown;
  for (const std::string& folder : folders_) shown.push_back(visible_line(folder));
  progress_.note("watching " + join(shown) + "; results go to " + visible_line(log_.path()));
  if (!log_.is_locked()) {
    notices_.say(log_.path() +
                 ": this file system has no locks, so no other hre watch may write there at the same time");
  }
  evaluator_.release_leftovers([&](const std::string& folder) {
    return std::ranges::any_of(known_, [&](const auto& one) { return one.first == folder; });
  });
  if (auto ok = deliver_rest(); !ok) return ok;
  while (!stopped()) {
    auto step = look();
    if (!step) return forward(step);
    if (*step == Step::kNothingLeft) break;
    if (*step == Step::kWait) net::sleep_unless_stopped(next_look_, console_.stop);
  }
  if (stopped()) return fail(ErrorCode::kInterrupted, "interrupted; the same command goes on");
  if (a_.once && n_failed_attempts_ > 0) {
    return fail(ErrorCode::kFailed,
                counted(n_failed_attempts_, "checkpoint") + " could not be evaluated, and will be tried again");
  }
  if (log_.lines().empty()) notices_.say("there is no complete checkpoint in " + join(shown));
  return {};
}

Status run_watch(WatchArguments a, Console& console) {
  if (auto ok = a.checkpoints.finish("a watch", console); !ok) return ok;
  if (!a.webhook.empty() && !net::origin_of(a.webhook)) {
    return input_error("is no http or https URL", net::shown_url(a.webhook), "--webhook URL gets each result");
  }
  auto folders = folders_of(a.folders);
  if (!folders) return forward(folders);
  auto gate = open_checkpoint_gate(a.checkpoints.gate, a.checkpoints.store);
  if (!gate) return forward(gate);
  auto log = service::WatchLog::open(a.json_lines.empty() ? folders->front() + "/hre-watch.jsonl" : a.json_lines);
  if (!log) return forward(log);
  const auto progress = make_progress(console, a.checkpoints.quiet);
  auto dataset = a.checkpoints.load_dataset(*progress, console);
  if (!dataset) return forward(dataset);
  for (const WatchLine& line : log->lines()) {
    if (line.dataset_fingerprint.empty() || line.dataset_fingerprint == dataset->fingerprint) continue;
    return input_error("holds results on another dataset than " + dataset->name, log->path(),
                       "give --json-lines another file");
  }
  return Watch(a, std::move(*folders), std::move(*log), std::move(*dataset), std::move(*gate), *progress, console)
      .run();
}

}  // namespace

Action define_watch(CLI::App& app) {
  auto a = std::make_shared<WatchArguments>();
  const auto is_positive = CLI::Range(0.001, 1e9).description("");
  const auto is_time = CLI::Range(0.0, 1e9).description("");
  app.add_option("DIR", a->folders,
                 "folders where trainings write checkpoints: Hugging Face folders, .gguf files, split ones; also in "
                 "folders below")
      ->required()
      ->type_name("");
  a->checkpoints.define(app, "keep a page of all results there, as hre report makes it");
  app.add_option("--time-limit", a->time_limit,
                 "end each evaluation after so many seconds; its value is of the questions done by then")
      ->type_name("SECONDS")
      ->check(is_positive);
  app.add_option("--json-lines", a->json_lines,
                 "the results, a line for each checkpoint (hre-watch/1), which are also what a restart knows (default: "
                 "hre-watch.jsonl in the first DIR)")
      ->type_name("FILE");
  app.add_option("--on-result", a->on_result,
                 "run this command by /bin/sh for each result: its JSON line on standard input, and HRE_CHECKPOINT, "
                 "HRE_STEP, HRE_VALUE, ... in the environment")
      ->type_name("COMMAND");
  app.add_option("--result-timeout", a->result_timeout, "end that command after so many seconds (default 60)")
      ->type_name("SECONDS")
      ->check(is_positive);
  app.add_option("--webhook", a->webhook, "post each result's JSON there")->type_name("URL");
  add_choice(
      app, "--backlog", a->backlog, kBacklogs,
      "checkpoints that are waiting: evaluate all in their order (default), or only the latest of each training");
  app.add_option("--every", a->every, "look for checkpoints so often (default 10)")
      ->type_name("SECONDS")
      ->check(is_positive);
  app.add_option("--settle", a->settle,
                 "a checkpoint is complete when its files have the sizes that they promise, and nothing changed for so "
                 "long (default 10)")
      ->type_name("SECONDS")
      ->check(is_time);
  app.add_option("--patience", a->patience,
                 "count a checkpoint as failed that is incomplete and hasn't changed for so long (default 600)")
      ->type_name("SECONDS")
      ->check(is_time);
  app.add_flag("--once", a->once, "end when all that is there is done");
  app.add_option("--stop-file", a->stop_file, "the same as soon as this file exists")->type_name("FILE");
  app.add_flag("--retry-failed", a->retry_failed,
               "evaluate checkpoints that failed before, although they are unchanged");
  return [a](Console& console) { return run_watch(*a, console); };
}

}  // namespace hre::cli
