/// hre verify: a sample of a run's questions scored again, one pass per answer with nothing shared and float32
/// products, or by Transformers, or by the same server in another order.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <optional>
#include <ostream>

#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/run_argument.h"
#include "cli/store_argument.h"
#include "core/question_name.h"
#include "core/text.h"
#include "core/visible.h"
#include "eval/prompt.h"
#include "hre/evaluate.h"
#include "hub/open.h"
#include "model/checkpoint/checkpoint.h"
#include "report/text_table.h"

namespace hre::cli {
namespace {

struct VerifyArguments {
  std::string run;
  EngineOptions options;
  std::string model, data, store;
  size_t questions = 20;
  std::optional<double> tolerance;  // nats per answer
  bool python = false, quiet = false;
};

/// One question's log-likelihoods by both ways.
struct Pair {
  std::string topic, id;
  std::vector<double> kept, again;
  std::vector<double> allowed = {};  // differences; by the tolerance, or what a server may differ by

  [[nodiscard]] double difference(size_t answer) const {
    const double one = std::abs(kept[answer] - again[answer]);
    return std::isfinite(one) ? one : INFINITY;
  }
  [[nodiscard]] double largest() const {
    double all = 0;
    for (size_t i = 0; i < kept.size(); ++i) all = std::max(all, difference(i));
    return all;
  }
};

/// What the run says of its own options; those given again stay.
void take_options(const Run& run, const std::string& model, EngineOptions& options) {
  if (model.starts_with("baseline:")) return;
  if (options.max_length == 0) {
    const std::string length = setting_of(run.model, "max_length");
    std::from_chars(length.data(), length.data() + length.size(), options.max_length);
  }
  if (setting_of(run.model, "bos").starts_with("token") || setting_of(run.model, "encoder_end").starts_with("token")) {
    options.bos = BosPolicy::kAlways;
  }
  if (setting_of(run.model, "cache_type") == "f16") options.cache_type = CacheType::kF16;
  if (setting_of(run.model, "cache_type") == "q8_0") options.cache_type = CacheType::kQ8_0;
  if (setting_of(run.model, "flash_attention") == "on") options.flash_attention = FlashAttention::kOn;
  if (setting_of(run.model, "flash_attention") == "auto") options.flash_attention = FlashAttention::kAuto;
  if (setting_of(run.model, "chat_template").starts_with("the model's") && options.chat_template == "none") {
    options.chat_template = "auto";
  }
  if (options.system.empty()) options.system = setting_of(run.model, "system");
  if (options.date.empty()) options.date = setting_of(run.model, "date");
  options.long_answers = LongAnswers::kTruncate;
  if (model.starts_with("server:")) return;
  options.one_pass_an_answer = true;
  options.kernels = EngineKernels::kPlain;
  options.widens_weights = true;
}

/// How far an answer's log-likelihood may be from that of float32 products of the same weights, in nats, by what the
/// run says that it multiplied weights of its model's type in. Some times what answers of a few hundred tokens showed.
double tolerance_of(const Run& run) {
  const std::string kernels = setting_of(run.model, "kernels");
  std::string type = run.model.file_type;  // "Q4_K - Medium, most weights Q8_0": what most are counts
  constexpr std::string_view kMost = "most weights ";
  if (const size_t at = type.find(kMost); at != std::string::npos) type.erase(0, at + kMost.size());
  const auto multiplies = [&](const std::string& kind, const std::string& in) {
    return kernels.find(kind + " by " + in) != std::string::npos;
  };
  if (type.starts_with("F32")) return 1e-3;
  if (kernels == "the engine's") return 10;                      // it rounds what weights are multiplied with to 8 bits
  std::vector<std::string> kinds = {"other quantised", "Q8_0"};  // files are mixed
  if (type.starts_with("F16")) kinds = {"f32"};
  if (type.starts_with("BF16")) kinds = {"bf16"};
  if (type.starts_with("Q8_0")) kinds = {"Q8_0"};
  double tolerance = 1e-3;
  for (const std::string& kind : kinds) {
    if (multiplies(kind, "int16")) tolerance = std::max(tolerance, 0.05);
    if (multiplies(kind, "int14")) tolerance = std::max(tolerance, 0.2);
    if (multiplies(kind, "bf16")) tolerance = std::max(tolerance, 10.0);
  }
  return tolerance;
}

/// The scored questions of a run, `n` of them, spread evenly.
std::vector<const QuestionResult*> sample(const Run& run, size_t n) {
  std::vector<const QuestionResult*> scored, chosen;
  for (const QuestionResult& question : run.questions) {
    if (question.problem.empty() && !question.answers.empty()) scored.push_back(&question);
  }
  n = std::min(n, scored.size());
  for (size_t i = 0; i < n; ++i) chosen.push_back(scored[i * scored.size() / n]);
  return chosen;
}

/// The same questions with their texts, from the dataset, without what --long-answers truncate cut off.
Result<std::vector<Question>> texts_of(const std::vector<const QuestionResult*>& chosen, const Dataset& dataset) {
  std::vector<Question> questions;
  for (const QuestionResult* result : chosen) {
    const auto found = std::find_if(dataset.questions.begin(), dataset.questions.end(), [&](const Question& question) {
      return question.id == result->id && question.topic == result->topic;
    });
    if (found == dataset.questions.end() || found->answers.size() != result->answers.size()) {
      return input_error("the run's question " + question_name(result->topic, result->id) + " is not in the dataset",
                         dataset.source);
    }
    Question& question = questions.emplace_back(*found);
    for (size_t a = 0; a < question.answers.size(); ++a) {
      std::string& text = question.answers[a].text;
      text = first_code_points(text, count_code_points(text) - result->answers[a].n_cut_chars);
    }
  }
  return questions;
}

std::vector<Pair> start_pairs(const std::vector<const QuestionResult*>& chosen, double tolerance) {
  std::vector<Pair> pairs;
  for (const QuestionResult* question : chosen) {
    pairs.push_back({question->topic, question->id, {}, {}, {}});
    for (const AnswerResult& answer : question->answers) {
      pairs.back().kept.push_back(answer.sum_log_prob);
      pairs.back().allowed.push_back(tolerance);
    }
  }
  return pairs;
}

/// Both sides must agree on the weights and on all that moves a value but the way of computing.
Status check_settings(const Run& run, const ModelDescription& model) {
  if (!run.model.fingerprint.empty() && run.model.fingerprint != model.fingerprint) {
    return input_error("the model is not the model of the run: its weights differ", model.source);
  }
  std::vector<std::string> differ;
  for (const char* name : {"bos", "max_length", "cache_type", "flash_attention", "adapters", "chat_template", "system",
                           "date", "encoder_end", "level"}) {
    if (setting_of(run.model, name) != setting_of(model, name)) differ.emplace_back(name);
  }
  if (differ.empty()) return {};
  return input_error("the run used another " + join(differ, ", "), run.model.name,
                     "give the options that the run used");
}

Status score_again(const Run& run, const VerifyArguments& arguments, const std::vector<Question>& questions,
                   std::vector<Pair>& pairs, ProgressListener& progress, Console& console) {
  auto model = open_model_argument(arguments.model, arguments.options, progress, console.stop);
  if (!model) return forward(model);
  if (auto ok = check_settings(run, (*model)->describe()); !ok) return ok;
  EvalOptions options;
  options.prompt = run.options.prompt;
  options.shuffle = false;
  std::vector<Question> asked = questions;
  std::ranges::reverse(asked);  // the order must not matter
  auto again = evaluate({run.dataset_name, run.dataset_source, run.dataset_fingerprint, std::move(asked)}, **model,
                        options, progress, console.stop, {.check_order = false});
  if (!again) return forward(again);
  if (again->failure) return tl::unexpected<Error>(*again->failure);
  for (const QuestionResult& question : again->questions) {
    const auto pair = std::find_if(pairs.begin(), pairs.end(),
                                   [&](const Pair& p) { return p.id == question.id && p.topic == question.topic; });
    for (size_t i = 0; i < question.answers.size(); ++i) {
      pair->again.push_back(question.answers[i].sum_log_prob);
      const auto differs = (*model)->repeat_tolerance(question.answers[i].n_tokens);
      if (differs && !arguments.tolerance) pair->allowed[i] = *differs;
    }
  }
  return {};
}

Status score_by_python(const Run& run, const VerifyArguments& arguments, const std::vector<Question>& questions,
                       std::vector<Pair>& pairs, ProgressListener& progress, Console& console) {
  if (!is_checkpoint(arguments.model)) {
    return input_error("is not a checkpoint folder, and Transformers needs one", arguments.model,
                       "--model FOLDER names the checkpoint that the model was converted from");
  }
  auto prompt = PromptTemplate::parse(run.options.prompt);
  if (!prompt) return forward(prompt);
  std::vector<ScoringRequest> requests;
  for (const Question& question : questions) requests.push_back(prompt->render(question));
  auto scores = score_by_transformers(arguments.model, requests, arguments.options.max_length, progress, console.stop);
  if (!scores) return forward(scores);
  for (size_t i = 0; i < pairs.size(); ++i) pairs[i].again = std::move((*scores)[i]);
  return {};
}

Status print_pairs(const std::vector<Pair>& pairs, const std::string& how, Console& console) {
  double largest = 0;
  size_t answers = 0;
  TextTable table({"question", "answers", "difference"});
  for (const Pair& pair : pairs) {
    const std::string name = question_name(pair.topic, pair.id);
    if (pair.kept.size() != pair.again.size()) {
      return fail(ErrorCode::kThreshold, "question " + name + " could not be scored again");
    }
    table.add_row({name, std::to_string(pair.kept.size()), fmt::format("{:.2e}", pair.largest())});
    largest = std::max(largest, pair.largest());
    answers += pair.kept.size();
  }
  console.print(table.render(console.width));
  console.print(fmt::format("\nlargest difference: {:.2e} nats, of {} answers to {} questions, scored again {}\n",
                            largest, answers, pairs.size(), how));
  double worst = 0, allowed = 0;
  for (const Pair& pair : pairs) {
    for (size_t i = 0; i < pair.kept.size(); ++i) {
      if (pair.difference(i) <= std::max(pair.allowed[i], worst)) continue;
      worst = pair.difference(i);
      allowed = pair.allowed[i];
    }
  }
  if (worst == 0) return {};
  return fail(ErrorCode::kThreshold,
              fmt::format("answers differ by {:.2e} nats, more than the tolerance of {:g}", worst, allowed));
}

Status verify(VerifyArguments arguments, Console& console) {
  auto run = load_run(arguments.run, arguments.store);
  if (!run) return forward(run);
  if (run->questions.empty()) return input_error("holds no questions", arguments.run, "hre eval --details keeps them");
  if (arguments.model.empty()) arguments.model = run->model.source;
  if (arguments.data.empty()) arguments.data = run->dataset_source;
  auto progress = make_progress(console, arguments.quiet);
  auto dataset = load_data_argument(arguments.data, *progress, console.stop);
  if (!dataset) return forward(dataset);
  if (dataset->fingerprint != run->dataset_fingerprint) {
    return input_error("is not the dataset of the run: its contents differ", arguments.data,
                       "--data DATA names the run's dataset");
  }
  take_options(*run, arguments.model, arguments.options);
  const auto chosen = sample(*run, arguments.questions);
  if (chosen.empty()) return input_error("holds no question that could be scored", arguments.run);
  auto questions = texts_of(chosen, *dataset);
  if (!questions) return forward(questions);
  std::vector<Pair> pairs = start_pairs(chosen, arguments.tolerance.value_or(tolerance_of(*run)));
  const auto score = arguments.python ? score_by_python : score_again;
  if (auto ok = score(*run, arguments, *questions, pairs, *progress, console); !ok) return ok;
  if (console.stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted");
  std::string how = "one pass per answer, with float32 products";
  if (arguments.model.starts_with("server:")) how = "by the server, in another order";
  if (arguments.python) how = "by Transformers in float32";
  return print_pairs(pairs, how, console);
}

}  // namespace

Action define_verify(CLI::App& app) {
  auto arguments = std::make_shared<VerifyArguments>();
  app.add_option("RUN", arguments->run, kRunHelp)->required()->type_name("");
  app.add_option("--questions", arguments->questions, "number of questions, spread over the run (default 20)")
      ->type_name("N")
      ->check(CLI::Range(size_t{1}, size_t{1} << 30).description(""));
  app.add_option("--tolerance", arguments->tolerance,
                 "largest difference per answer, in nats (default: 0.001, more if the run multiplied in less than "
                 "float32; for a server 0.26 √n + 0.005 n over n tokens); a larger difference is status 3")
      ->type_name("NATS")
      ->check(CLI::NonNegativeNumber.description(""));
  app.add_flag("--python", arguments->python, "score with Transformers in float32, from the checkpoint folder");
  app.add_option("--model", arguments->model, "where the model is now (default: as in the run)")->type_name("MODEL");
  app.add_option("--data", arguments->data, "where the dataset is now (default: as in the run)")->type_name("DATA");
  add_store_option(app, arguments->store);
  app.add_flag("--quiet", arguments->quiet, "no progress and no notes");
  define_model_options(app, arguments->options);
  return [arguments](Console& console) { return verify(*arguments, console); };
}

}  // namespace hre::cli
