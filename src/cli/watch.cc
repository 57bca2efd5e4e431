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

#include "analysis/gate_file.h"
#include "analysis/option_names.h"
#include "analysis/training.h"
#include "cli/choice.h"
#include "cli/evaluating.h"
#include "cli/evaluation.h"
#include "cli/progress.h"
#include "cli/run_argument.h"
#include "cli/store_argument.h"
#include "cli/terminal.h"
#include "cli/watch_result.h"
#include "cli/where_options.h"
#include "core/dates.h"
#include "core/files.h"
#include "core/named.h"
#include "core/stop_after.h"
#include "core/text.h"
#include "core/visible.h"
#include "eval/where.h"
#include "hre/store.h"
#include "hub/open.h"
#include "net/http.h"
#include "net/retry.h"
#include "net/url.h"
#include "report/write_report.h"
#include "service/checkpoints.h"
#include "service/converted.h"
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
  std::string data, metadata, until, store, gate;
  EvaluatingOptions evaluating;
  std::string json_lines, page, on_result, webhook, stop_file;
  Backlog backlog = Backlog::kAll;
  double every = 10, settle = 10, patience = 600, result_timeout = 60;
  std::optional<double> time_limit;
  bool once = false, retry_failed = false, keep_converted = false, quiet = false;
};

milliseconds seconds(double n) { return milliseconds(static_cast<int64_t>(std::min(n, 1e9) * 1000)); }

struct WatchGate {
  GatePolicy policy;
  Run baseline;
};

Result<std::optional<WatchGate>> open_gate(const WatchArguments& a) {
  if (a.gate.empty()) return std::optional<WatchGate>();
  auto file = read_gate_file(a.gate);
  if (!file) return forward(file);
  if (file->baseline.empty()) return input_error("the policy names no baseline", a.gate, "write baseline = \"RUN\"");
  auto baseline = load_run(file->baseline, a.store);
  if (!baseline) return forward(baseline);
  if (baseline->partial()) return input_error("the baseline is partial", file->baseline);
  return std::optional(WatchGate{file->policy, std::move(*baseline)});
}

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

/// Passes progress on, but what was noted of one checkpoint is not noted of each.
class NotesOnce final : public ProgressListener {
 public:
  explicit NotesOnce(ProgressListener& outer) : outer_(outer) {}
  void begin(const std::string& stage, int64_t total, const std::string& unit, double work) override {
    outer_.begin(stage, total, unit, work);
  }
  void advance(int64_t done, double work_done) override { outer_.advance(done, work_done); }
  void end() override { outer_.end(); }
  void note(const std::string& message) override {
    const size_t name = message.find(": ");  // "step-100: the model expects ..."
    if (noted_.insert(name == std::string::npos ? message : message.substr(name)).second) outer_.note(message);
  }

 private:
  ProgressListener& outer_;
  std::set<std::string> noted_;
};

/// An evaluated checkpoint, as the page shows it: its run without questions, and what these came to.
struct PagePoint {
  Run run;
  Summary summary;
  std::vector<std::pair<uint64_t, double>> by_question;
};

class Watch {
 public:
  Watch(const WatchArguments& arguments, std::vector<std::string> folders, service::WatchLog log, Dataset dataset,
        std::optional<UntilOptions> until, std::optional<WatchGate> gate, ProgressListener& progress, Console& console)
      : a_(arguments),
        folders_(std::move(folders)),
        log_(std::move(log)),
        dataset_(std::move(dataset)),
        until_(std::move(until)),
        gate_(std::move(gate)),
        progress_(progress),
        notes_(progress),
        console_(console),
        settling_(seconds(arguments.settle)),
        converted_(fs::absolute(log_.path()).lexically_normal().string()),
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
  Status evaluate(const FoundCheckpoint& checkpoint);
  Status finish(CheckpointResult result);
  void compare(CheckpointResult& result);
  std::optional<SinceCheckpoint> since(const Run& run, const WatchLine& earlier);
  Status deliver(const WatchLine& line);
  Status deliver_rest();
  Status write_page(bool others_wait);
  Result<Run> load(const WatchLine& line);
  Result<const PagePoint*> page_point(const WatchLine& line);

  void say(const std::string& message) {
    console_.err << message_text(message, console_.err_is_terminal) << std::flush;
  }
  /// The same message about the same thing is said once.
  void say_once(const std::string& about, const std::string& message) {
    std::string& said = said_[about];
    if (said != message) say(message);
    said = message;
  }
  [[nodiscard]] bool stopped() const { return console_.stop.stop_requested(); }
  /// Once all that is there is done with, the watch ends.
  [[nodiscard]] bool ends() const { return a_.once || (!a_.stop_file.empty() && path_exists(a_.stop_file)); }
  [[nodiscard]] std::string name_of(const std::string& path) const {
    for (const std::string& folder : folders_) {
      const auto relative = fs::path(path).lexically_relative(folder).string();
      if (relative == ".") return path;
      if (!relative.empty() && !relative.starts_with("..")) return relative;
    }
    return path;
  }

  const WatchArguments& a_;
  std::vector<std::string> folders_;
  service::WatchLog log_;
  Dataset dataset_;
  std::optional<UntilOptions> until_;
  std::optional<WatchGate> gate_;
  ProgressListener& progress_;
  NotesOnce notes_;  // of evaluations
  Console& console_;
  service::Settling settling_;
  service::ConvertedFiles converted_;
  service::WatchLog::Begun died_at_;                             // where the watch before this one was
  service::KnownCheckpoints known_;                              // done with, by path and identity
  std::map<std::pair<std::string, std::string>, int> attempts_;  // that failed for want of means
  std::map<std::string, FoundCheckpoint> waiting_;               // settled and not yet done with, by path
  std::optional<Error> unreadable_;                              // of a folder, at the last look
  std::map<std::string, std::string> said_;
  std::map<std::string, PagePoint> page_points_;  // by the run's id
  net::HttpClient client_;
  int64_t n_failed_attempts_ = 0;
  bool page_is_old_ = true;  // at the beginning: a watch that was killed may not have written it
  std::chrono::steady_clock::time_point page_written_ = {};
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
      if (!ends()) say_once(folder, found.error().text() + "; hre looks again");
      unreadable_ = found.error();
      continue;
    }
    said_.erase(folder);
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
        say_once(one.path, name_of(one.path) + " is not complete: " + one.incomplete);
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
  if (auto ok = write_page(!ready.empty()); !ok) return forward(ok);
  if (!ready.empty()) {
    // What ends the process every time must not keep all others from their turn.
    constexpr int kDeaths = 2;
    size_t chosen = 0;
    if (died_at_.times >= kDeaths && ready.size() > 1 && ready[0].path == died_at_.path &&
        a_.backlog == Backlog::kAll) {
      say_once("died", fmt::format("hre ended {} times in a row while {} was evaluated, so others come first",
                                   died_at_.times, name_of(died_at_.path)));
      chosen = 1;
    }
    if (a_.backlog == Backlog::kLatest) {
      while (chosen + 1 < ready.size() && ready[chosen + 1].training == ready[0].training) ++chosen;
      for (size_t i = 0; i < chosen; ++i) {
        CheckpointResult skipped{.checkpoint = ready[i], .status = "skipped", .why = "a later checkpoint was there"};
        if (auto ok = finish(std::move(skipped)); !ok) return forward(ok);
      }
    }
    if (auto ok = evaluate(ready[chosen]); !ok) return forward(ok);
    return Step::kWorked;
  }
  if (unreadable_ && ends()) return tl::unexpected<Error>(*unreadable_);
  next_look_ = std::max(pause, milliseconds(20));
  return is_pending || !ends() ? Step::kWait : Step::kNothingLeft;
}

Status Watch::evaluate(const FoundCheckpoint& checkpoint) {
  constexpr int kAttempts = 3;
  const auto begin = std::chrono::steady_clock::now();
  const std::string& path = checkpoint.path;
  progress_.note("evaluating " + name_of(path));
  if (auto ok = log_.set_begun(path); !ok) say_once("begun", ok.error().text());
  const bool is_folder = hre::is_folder(path);
  if (is_folder && !a_.keep_converted) {
    if (auto ok = converted_.claim(path, progress_, console_.stop); !ok) progress_.note(ok.error().text());
  }
  StopAfter limit(console_.stop, a_.time_limit ? std::optional(seconds(*a_.time_limit)) : std::nullopt);
  Console inner = console_;
  inner.stop = limit.token();
  Keeping keeping;
  keeping.store = a_.store;
  EvaluatedModels evaluation =
      evaluate_models({path}, dataset_, a_.evaluating.model, a_.evaluating.eval, keeping, inner, progress_, until_);
  const bool is_late = limit.is_over();
  (void)log_.set_begun("");  // it only counts where the process ends before
  if (stopped()) return fail(ErrorCode::kInterrupted, "interrupted; the answers scored so far are kept");
  if (is_folder) converted_.release();

  CheckpointResult result{.checkpoint = checkpoint, .status = "evaluated"};
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (!evaluation.failure || evaluation.runs.empty()) {
    Error why =
        evaluation.failure ? Error{ErrorCode::kInput, "nothing was scored", "", ""} : evaluation.failure.error();
    if (is_late) why = {ErrorCode::kInput, "nothing was scored within the time limit", "", ""};
    if (why.code != ErrorCode::kInput) {  // no space, no memory: it may go well later
      ++n_failed_attempts_;
      const int n = ++attempts_[{path, checkpoint.identity}];
      say(fmt::format("{} could not be evaluated ({} of {} attempts): {}", name_of(path), n, kAttempts, why.text()));
      if (a_.once) return {};
      if (n < kAttempts) {
        net::sleep_unless_stopped(n * seconds(a_.every), console_.stop);
        return {};
      }
    }
    result.status = "failed";
    result.why = message_line(why.text());
    return finish(std::move(result));
  }
  // One that was rewritten meanwhile is another checkpoint now; one that was removed had its whole evaluation.
  if (auto again = service::find_checkpoints(is_folder ? path : folder_of(path)); again) {
    const auto now = std::ranges::find(*again, path, &FoundCheckpoint::path);
    if (now != again->end() && now->identity != checkpoint.identity) {
      say(name_of(path) + " changed while it was evaluated, so that is not counted");
      return {};
    }
  }
  result.run = std::move(evaluation.runs.front());
  result.summary = std::move(evaluation.summaries.front());
  // Only its times changed since a line was written.
  for (const WatchLine& line : log_.lines()) {
    if (line.path != path || line.run.empty() || line.run != result.run->id || line.status != "evaluated") continue;
    progress_.note(name_of(path) + " has the content that was evaluated before");
    known_.insert({path, checkpoint.identity});
    return {};
  }
  compare(result);
  return finish(std::move(result));
}

Result<Run> Watch::load(const WatchLine& line) {
  auto store = RunStore::open(a_.store);
  if (!store) return forward(store);
  auto run = store->load(line.run);
  if (run) add_dates(*run);
  return run;
}

/// Nothing where the earlier run is gone, or can't be compared; that is said.
std::optional<SinceCheckpoint> Watch::since(const Run& run, const WatchLine& earlier) {
  const auto complain = [&](const Error& error) {
    say_once("since " + earlier.path, "there is no difference to " + name_of(earlier.path) + ": " + error.text());
    return std::nullopt;
  };
  auto before = load(earlier);
  if (!before) return complain(before.error());
  CompareOptions options;
  options.statistics.threads = a_.evaluating.model.threads;
  const Run* const both[] = {&run, &*before};
  auto comparison = compare_runs(both, options);
  if (!comparison) return complain(comparison.error());
  return SinceCheckpoint{earlier.path, earlier.step, comparison->pairs.front().comparison};
}

/// Against the first, the last and the best checkpoint of the training that were evaluated before; and the gate.
void Watch::compare(CheckpointResult& result) {
  const WatchLine *first = nullptr, *last = nullptr, *best = nullptr;
  for (const WatchLine& line : log_.lines()) {
    if (line.status != "evaluated" || line.training != result.checkpoint.training || line.run.empty() || !line.value)
      continue;
    if (first == nullptr) first = &line;
    last = &line;
    if (best == nullptr || *line.value > *best->value) best = &line;
  }
  const auto value = result.summary->micro.pearson.mean;
  result.is_best = value && (best == nullptr || *value > *best->value);
  std::map<const WatchLine*, std::optional<SinceCheckpoint>> differences;  // often one line is several of these
  for (const WatchLine* line : {first, last, best}) {
    if (line != nullptr && !differences.contains(line)) differences.emplace(line, since(*result.run, *line));
  }
  if (first != nullptr) result.first = differences[first];
  if (last != nullptr) result.last = differences[last];
  if (best != nullptr) result.best = differences[best];
  if (!gate_ || result.run->partial()) return;
  auto report = run_gate(*result.run, gate_->baseline, gate_->policy);
  if (report) {
    result.gate = gate_verdict_name(report->verdict);
  } else {
    say_once("gate", "there is no verdict of the gate: " + report.error().text());
  }
}

/// Writes the line of a checkpoint that is done with, and tells of it. A full disk is waited for: without its line the
/// checkpoint would be evaluated again.
Status Watch::finish(CheckpointResult result) {
  result.time = utc_now();
  const WatchLine line = watch_line(result);
  for (auto ok = log_.append(line); !ok; ok = log_.append(line)) {
    if (a_.once) return ok;
    say_once("lines", ok.error().text() + "; hre tries again until it can be");
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
  page_is_old_ = page_is_old_ || line.status == "evaluated";
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
    if (!ok) say("the command for results failed at " + name_of(line.path) + ": " + ok.error().text());
  }
  if (!a_.webhook.empty()) {
    const auto ok = service::post_json(client_, a_.webhook, line.text, console_.stop);
    if (stopped()) return fail(ErrorCode::kInterrupted, "interrupted");
    if (!ok) say("the result of " + name_of(line.path) + " could not be posted: " + ok.error().text());
  }
  return {};
}

/// A watch that was killed in between delivers again.
Status Watch::deliver_rest() {
  while (log_.delivered() < log_.lines().size()) {
    if (auto ok = deliver(log_.lines()[log_.delivered()]); !ok) return ok;
    if (auto ok = log_.set_delivered(log_.delivered() + 1); !ok) {
      say_once("delivered", ok.error().text());
      break;  // it is delivered again by the next watch
    }
  }
  return {};
}

Result<const PagePoint*> Watch::page_point(const WatchLine& line) {
  if (const auto found = page_points_.find(line.run); found != page_points_.end()) return &found->second;
  auto run = load(line);
  if (!run) return forward(run);
  PagePoint point;
  point.summary = summarize(*run);
  point.by_question = values_by_question(*run, all_metrics().front());
  run->questions.clear();
  run->questions.shrink_to_fit();
  point.run = std::move(*run);
  return &page_points_.emplace(line.run, std::move(point)).first->second;
}

/// The page of all evaluated checkpoints. Of the last one's training, the first, the best, the last and the one before
/// stand there with their questions, side by side; of the others only means: all of them would not fit into a browser.
/// A page that can't be written is told of and is no error. While checkpoints are waiting, figures are drawn once a
/// minute at most.
Status Watch::write_page(bool others_wait) {
  const auto begin = std::chrono::steady_clock::now();
  if (a_.page.empty() || !page_is_old_ || (others_wait && begin - page_written_ < std::chrono::minutes(1))) return {};
  page_is_old_ = false;
  page_written_ = begin;
  std::vector<const WatchLine*> lines;
  for (const WatchLine& line : log_.lines()) {
    if (line.status == "evaluated" && !line.run.empty()) lines.push_back(&line);
  }
  std::vector<Run> runs;
  std::vector<std::optional<Summary>> means;
  std::vector<TrainingPoint> points;
  const auto complain = [&](const Error& error) -> Status {
    if (stopped()) return fail(ErrorCode::kInterrupted, "interrupted; no page was written");
    say_once("page", "the page could not be written: " + error.text());
    return {};
  };
  std::set<const WatchLine*> whole;
  const WatchLine* best = nullptr;
  for (const WatchLine* line : lines) {
    if (line->training != lines.back()->training) continue;
    if (whole.empty()) whole.insert(line);
    if (line->value && (best == nullptr || *line->value > *best->value)) best = line;
  }
  if (best != nullptr) whole.insert(best);
  for (size_t i = lines.size(); i-- > 0 && i + 2 >= lines.size();) whole.insert(lines[i]);
  for (const WatchLine* line : lines) {
    auto point = page_point(*line);
    if (!point) {
      say_once("page " + line->path, "the page is without " + name_of(line->path) + ": " + point.error().text());
      continue;
    }
    if (line->step) {
      points.push_back({fs::path(line->training).filename().string(), *line->step, runs.size(),
                        (*point)->summary.micro.pearson.mean, (*point)->by_question});
    }
    if (whole.contains(line)) {
      auto run = load(*line);
      if (!run) return complain(run.error());
      runs.push_back(std::move(*run));
    } else {
      runs.push_back((*point)->run);
    }
    runs.back().model.name = name_of(line->path);  // "step-5/model.gguf" tells more than "model"
    means.emplace_back((*point)->summary);
  }
  if (runs.empty()) return {};
  CompareOptions options;
  options.allow_different = true;
  options.statistics.threads = a_.evaluating.model.threads;
  auto data = report_data(std::move(runs), dataset_, std::move(means), options);
  if (!data) return complain(data.error());
  data->trainings = find_trainings(std::move(points), data->metrics.front());
  SilentProgress silent;
  auto written = write_report(*data, std::nullopt, a_.page, silent, console_.stop);
  if (!written) return complain(written.error());
  said_.erase("page");
  return {};
}

Status Watch::run() {
  std::vector<std::string> shown;
  for (const std::string& folder : folders_) shown.push_back(visible_line(folder));
  progress_.note("watching " + join(shown) + "; results go to " + visible_line(log_.path()));
  if (!log_.is_locked()) {
    say(log_.path() + ": this file system has no locks, so no other hre watch may write there at the same time");
  }
  converted_.release_leftovers([&](const std::string& folder) {
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
  if (log_.lines().empty()) say("there is no complete checkpoint in " + join(shown));
  return {};
}

Status run_watch(WatchArguments a, Console& console) {
  if (auto ok = a.evaluating.finish(); !ok) return ok;
  auto until = parse_until(a.until);
  if (!until) return forward(until);
  if (!a.webhook.empty() && !net::origin_of(a.webhook)) {
    return input_error("is no http or https URL", net::shown_url(a.webhook), "--webhook URL gets each result");
  }
  a.store = store_to_keep(a.store, console.err);
  if (a.store.empty()) {
    return input_error("a watch keeps its runs, for comparisons and restarts", "--store", "give --store FILE");
  }
  auto folders = folders_of(a.folders);
  if (!folders) return forward(folders);
  auto gate = open_gate(a);
  if (!gate) return forward(gate);
  auto log = service::WatchLog::open(a.json_lines.empty() ? folders->front() + "/hre-watch.jsonl" : a.json_lines);
  if (!log) return forward(log);
  const auto progress = make_progress(console, a.quiet);
  auto dataset = load_data_argument(a.data, *progress, console.stop);
  if (!dataset) return forward(dataset);
  if (!a.evaluating.eval.where.empty()) {
    if (auto ok = keep_questions_where(a.evaluating.eval.where, a.metadata, *dataset); !ok) return ok;
  }
  for (const WatchLine& line : log->lines()) {
    if (line.dataset_fingerprint.empty() || line.dataset_fingerprint == dataset->fingerprint) continue;
    return input_error("holds results on another dataset than " + dataset->name, log->path(),
                       "give --json-lines another file");
  }
  return Watch(a, std::move(*folders), std::move(*log), std::move(*dataset), *until, std::move(*gate), *progress,
               console)
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
  define_data(app, a->data);
  a->evaluating.define(app);
  define_where(app, a->evaluating.eval.where, a->metadata);
  define_until(app, a->until);
  app.add_option("--time-limit", a->time_limit,
                 "end each evaluation after so many seconds; its value is of the questions done by then")
      ->type_name("SECONDS")
      ->check(is_positive);
  add_choice(app, "--undefined", a->evaluating.eval.undefined, kUndefinedPolicies,
             "questions without a correlation: leave-out (default), zero (count them as 0)");
  app.add_flag("--keep-tokens", a->evaluating.eval.keep_tokens,
               "keep every token's log-probability and text in the store");
  app.add_option("--gate", a->gate, "also hold each checkpoint against the baseline of a policy (docs/ci.md)")
      ->type_name("FILE");
  app.add_option("--json-lines", a->json_lines,
                 "the results, a line for each checkpoint (hre-watch/1), which are also what a restart knows (default: "
                 "hre-watch.jsonl in the first DIR)")
      ->type_name("FILE");
  app.add_option("--page", a->page, "keep a page of all results there, as hre report makes it")->type_name("DIR");
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
  app.add_flag("--keep-converted", a->keep_converted, "leave converted checkpoints in the cache");
  add_store_option(app, a->store);
  app.add_flag("--quiet", a->quiet, "no progress and no notes");
  return [a](Console& console) { return run_watch(*a, console); };
}

}  // namespace hre::cli
