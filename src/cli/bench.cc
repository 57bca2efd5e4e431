/// hre bench: how fast models are scored on this machine, against its limit and against the plain way.

#include "cli/bench.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <numeric>
#include <ostream>
#include <span>

#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/shipped_models.h"
#include "cli/speed_text.h"
#include "core/cores.h"
#include "core/files.h"
#include "core/text.h"
#include "core/visible.h"
#include "eval/prompt.h"
#include "hre/dataset.h"
#include "hre/run.h"
#include "hre/scorer.h"
#include "hub/open.h"
#include "report/number_text.h"
#include "report/text_table.h"

namespace hre::cli {
namespace {

struct BenchArguments {
  std::string model, data = "sample", json;
  size_t questions = 6;
  bool no_plain = false, quiet = false;
  EngineOptions options;
};

double wall() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double cpu() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// One way of scoring, and what it has taken so far.
struct Contender {
  std::string name;
  std::unique_ptr<Scorer> scorer;
  double seconds = 0, cpu_seconds = 0, plan_seconds = 0;
  int64_t answer_tokens = 0, positions = 0;
  EngineWork work;
  std::vector<double> sums;  ///< nats, an answer
};

/// So many questions go to a contender at a time, which may compute short ones together.
constexpr size_t kTogether = 8;

/// Scores some questions; what that took counts unless they are the first.
Status score(Contender& contender, std::span<const ScoringRequest> requests, bool counts, const std::stop_token& stop) {
  const double start = wall(), cpu_start = cpu();
  const EngineWork before = engine_work();
  std::vector<QuestionPlan> plans;
  for (const ScoringRequest& request : requests) {
    auto plan = contender.scorer->plan(request);
    if (!plan) return forward(plan);
    if (plan->skipped.empty()) plans.push_back(std::move(*plan));
  }
  const double planned = wall();
  std::vector<QuestionScore> scores(plans.size());
  const auto sink = [&](size_t question, QuestionScore done) {
    scores[question] = std::move(done);
    return true;
  };
  if (auto ok = score_all(*contender.scorer, plans, sink, stop); !ok) return ok;
  if (!counts) return {};
  for (const QuestionScore& done : scores) {
    for (const AnswerScore& answer : done.answers) {
      const auto& log_probs = answer.token_log_probs;
      contender.sums.push_back(std::accumulate(log_probs.begin(), log_probs.end(), 0.0));
      contender.answer_tokens += static_cast<int64_t>(log_probs.size());
    }
  }
  contender.seconds += wall() - start;
  contender.cpu_seconds += cpu() - cpu_start;
  contender.plan_seconds += planned - start;
  for (const QuestionPlan& plan : plans) contender.positions += plan.positions();
  (contender.work += engine_work()) -= before;
  return {};
}

/// Questions spread over the dataset.
std::vector<ScoringRequest> requests_of(const Dataset& dataset, size_t n) {
  const auto prompt = PromptTemplate::parse(EvalOptions().prompt);
  std::vector<ScoringRequest> requests;
  n = std::min(n, dataset.questions.size());
  for (size_t i = 0; i < n; ++i)
    requests.push_back(prompt->render(dataset.questions[i * dataset.questions.size() / n]));
  return requests;
}

/// The largest difference of an answer's sum, in nats.
double largest_difference(const Contender& a, const Contender& b) {
  double largest = a.sums.size() == b.sums.size() ? 0 : INFINITY;
  for (size_t i = 0; i < std::min(a.sums.size(), b.sums.size()); ++i) {
    largest = std::max(largest, std::abs(a.sums[i] - b.sums[i]));
  }
  return largest;
}

std::string contenders_table(const std::vector<Contender>& contenders, size_t questions, int width) {
  TextTable table({"", "s/question", "CPU s", "answer tokens/s", "tokens/s computed"});
  const auto n = static_cast<double>(questions);
  for (const Contender& c : contenders) {
    table.add_row({c.name, fmt::format("{:.3f}", c.seconds / n), fmt::format("{:.3f}", c.cpu_seconds / n),
                   fmt::format("{:.0f}", static_cast<double>(c.answer_tokens) / c.seconds),
                   fmt::format("{:.0f}", static_cast<double>(c.positions) / c.seconds)});
  }
  return table.render(width);
}

nlohmann::ordered_json bench_json(const std::vector<Contender>& contenders, size_t questions, const Speed& speed) {
  nlohmann::ordered_json json = {{"format", "hre-bench/1"}, {"questions", questions}};
  for (const Contender& c : contenders) {
    json["contenders"].push_back({{"name", c.name},
                                  {"kernels", setting_of(c.scorer->describe(), "kernels")},
                                  {"seconds", c.seconds},
                                  {"cpu_seconds", c.cpu_seconds},
                                  {"answer_tokens", c.answer_tokens},
                                  {"positions", c.positions}});
  }
  json["model"] = {{"name", contenders[0].scorer->describe().name},
                   {"fingerprint", contenders[0].scorer->describe().fingerprint},
                   {"file_type", contenders[0].scorer->describe().file_type}};
  if (contenders.size() > 1) json["largest_difference"] = largest_difference(contenders[0], contenders[1]);
  json["speed"] = speed_json(speed);
  return json;
}

Result<std::vector<Contender>> open_contenders(const BenchArguments& arguments, ProgressListener& progress,
                                               const std::stop_token& stop) {
  std::vector<Contender> contenders;
  const auto open = [&](const std::string& name, const EngineOptions& options) -> Status {
    auto scorer = open_model_argument(arguments.model, options, progress, stop);
    if (!scorer) return forward(scorer);
    contenders.push_back({});
    contenders.back().name = name;
    contenders.back().scorer = std::move(*scorer);
    return {};
  };
  EngineOptions plain = arguments.options;
  plain.kernels = EngineKernels::kPlain;
  plain.one_pass_an_answer = true;
  if (auto ok = open("hre", arguments.options); !ok) return forward(ok);
  if (arguments.no_plain) return contenders;
  if (auto ok = open("the engine, one pass per answer", plain); !ok) return forward(ok);
  return contenders;
}

/// Questions go to every contender, in turn who is first; the first one once more before, uncounted.
Status run_all(std::vector<Contender>& contenders, std::span<const ScoringRequest> requests, Console& console) {
  const auto give_to_all = [&](std::span<const ScoringRequest> some, size_t turn, bool counts) -> Status {
    for (size_t k = 0; k < contenders.size(); ++k) {
      if (console.stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted");
      if (auto ok = score(contenders[(turn + k) % contenders.size()], some, counts, console.stop); !ok) return ok;
    }
    return {};
  };
  if (auto ok = give_to_all(requests.first(1), 0, false); !ok) return ok;
  for (size_t i = 0; i < requests.size(); i += kTogether) {
    const size_t n = std::min(kTogether, requests.size() - i);
    if (auto ok = give_to_all(requests.subspan(i, n), i / kTogether, true); !ok) return ok;
  }
  return {};
}

MachinePeak better_of(const MachinePeak& a, const MachinePeak& b) {
  MachinePeak better;
  for (const Precision precision : kPrecisions) {
    better.products[precision] = std::max(a.products[precision], b.products[precision]);
  }
  better.memory = std::max(a.memory, b.memory);
  return better;
}

/// Whether the table of kernels, which looks at no stopwatch, suits this machine.
std::string table_text(const MachinePeak& peak) {
  std::string text;
  for (const KernelChoice& choice : kernel_choices()) {
    const double chosen = peak.products[choice.chosen], f32 = peak.products[Precision::kF32];
    const double integers = peak.products[choice.integers];
    if (chosen <= 0) return "";
    text += fmt::format("{} weights are multiplied in {}, {:.2f} times as fast as in f32 on this machine",
                        choice.weights, name_of(choice.chosen), chosen / f32);
    if (f32 > 1.05 * chosen) {
      text += ": the table is wrong for this machine, --precision exact is faster; please report it";
    } else if (integers > 1.15 * chosen) {
      text += fmt::format("; {} would be {:.2f} times as fast", name_of(choice.integers), integers / chosen);
    }
    text += '\n';
  }
  return "\n" + text;
}

/// Products in bfloat16 move sums more than float32 ones do.
double tolerance(const Contender& contender) {
  double largest = 0;
  for (const double sum : contender.sums) largest = std::max(largest, std::abs(sum));
  const bool narrow =
      contender.work.products.operations[Precision::kBf16] > 0 || contender.scorer->describe().file_type != "F32";
  return (narrow ? 1e-2 : 1e-5) * largest + 1e-3;
}

Status bench(BenchArguments arguments, Console& console) {
  if (arguments.model.empty()) {
    const std::vector<std::string> shipped = shipped_models();
    if (shipped.empty()) return input_error("no MODEL is given, and no model is beside the program");
    arguments.model = shipped.front();
  }
  auto progress = make_progress(console, arguments.quiet);
  auto dataset = load_data_argument(arguments.data, *progress, console.stop);
  if (!dataset) return forward(dataset);
  const std::vector<ScoringRequest> requests = requests_of(*dataset, arguments.questions);
  if (requests.empty()) return input_error("holds no questions", arguments.data);
  auto contenders = open_contenders(arguments, *progress, console.stop);
  if (!contenders) return forward(contenders);
  const int threads = arguments.options.threads > 0 ? arguments.options.threads : usable_cores();
  const MachinePeak before = measure_machine(threads);
  if (auto ok = run_all(*contenders, requests, console); !ok) return ok;
  const Contender& ours = contenders->front();
  if (ours.sums.empty()) return input_error("no question could be scored", arguments.model);
  const Speed speed{ours.work, ours.plan_seconds, 0, ours.seconds, better_of(before, measure_machine(threads))};
  const ModelDescription& model = ours.scorer->describe();
  console.print(fmt::format("{} ({}, {}) on {}: {}, {}\nkernels: {}\n\n", visible_line(model.name), model.architecture,
                            model.file_type, visible_line(dataset->name),
                            counted(static_cast<int64_t>(requests.size()), "question"), counted(threads, "thread"),
                            setting_of(model, "kernels")) +
                contenders_table(*contenders, requests.size(), console.width));
  if (contenders->size() > 1) {
    const Contender& plain = contenders->back();
    console.print(fmt::format("\nhre is {:.2f} times as fast, {:.2f} by CPU time; sums differ by at most {} nats\n",
                              plain.seconds / ours.seconds, plain.cpu_seconds / ours.cpu_seconds,
                              significant(largest_difference(ours, plain))));
  }
  console.print('\n' + speed_text(speed, console.width) + table_text(speed.peak));
  console.out << std::flush;
  if (!arguments.json.empty()) {
    const std::string json = bench_json(*contenders, requests.size(), speed).dump(2) + "\n";
    if (auto ok = write_file(arguments.json, json); !ok) return ok;
  }
  if (contenders->size() > 1 && !(largest_difference(ours, contenders->back()) <= tolerance(ours))) {
    return fail(ErrorCode::kThreshold, "the two contenders give different values, so their speeds can't be compared");
  }
  return {};
}

}  // namespace

Action define_bench(CLI::App& app) {
  auto arguments = std::make_shared<BenchArguments>();
  app.add_option("MODEL", arguments->model, "a model in process (default: the small model that comes with hre)")
      ->type_name("");
  app.add_option("--data", arguments->data, "the dataset (default: sample, built in)")->type_name("DATA");
  app.add_option("--questions", arguments->questions, "number of questions, spread over the dataset (default 6)")
      ->type_name("N")
      ->check(CLI::Range(size_t{1}, size_t{1} << 30).description(""));
  app.add_flag("--no-plain", arguments->no_plain, "do not time the engine alone with one pass per answer");
  app.add_option("--json", arguments->json, "write the figures as JSON (format hre-bench/1)")->type_name("FILE");
  app.add_flag("--quiet", arguments->quiet, "no progress and no notes");
  define_model_options(app, arguments->options);
  return [arguments](Console& console) { return bench(*arguments, console); };
}

}  // namespace hre::cli
