/// hre._core: the library's values and functions for Python. What a result holds goes to Python as the JSON that the
/// commands write, so that both show the same numbers; python/hre makes objects of it.
///
/// Threads: long work runs on a thread of its own without the GIL, while the caller's thread answers Ctrl-C. Python
/// objects (models, progress) are called from that thread, with the GIL.

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <future>
#include <map>
#include <memory>

#include "analysis/comparison.h"
#include "analysis/gate_file.h"
#include "analysis/notes.h"
#include "analysis/option_names.h"
#include "analysis/power.h"
#include "analysis/question_metrics.h"
#include "analysis/scores.h"
#include "analysis/study.h"
#include "core/files.h"
#include "core/text.h"
#include "core/visible.h"
#include "data/arrow_reader.h"
#include "data/rows.h"
#include "eval/item_log.h"
#include "eval/until.h"
#include "eval/where.h"
#include "hre/engine_options.h"
#include "hre/evaluate.h"
#include "hre/store.h"
#include "hub/open.h"
#include "model/option_names.h"
#include "python_scorer.h"
#include "report/comparison_json.h"
#include "report/comparison_table.h"
#include "report/gate_text.h"
#include "report/number_text.h"
#include "report/power_text.h"
#include "report/run_json.h"
#include "report/run_table.h"
#include "report/study_json.h"
#include "report/study_table.h"
#include "report/write_report.h"
#include "store/default_store.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace hre::python {
namespace {

/// Some arguments have other names than options.
std::string in_python(std::string message) {
  constexpr std::pair<const char*, const char*> kNames[] = {
      {"‹topic›", "topics"}, {"‹lora›", "adapters"}, {"‹device›", "devices"}, {"‹prompt_file›", "prompt"}};
  for (const auto& [option, argument] : kNames) {
    for (size_t at = message.find(option); at != std::string::npos; at = message.find(option, at))
      message.replace(at, std::string_view(option).size(), argument);
  }
  return spell_settings(message, SettingSpelling::kPython);
}

/// An Error on its way to Python: see the translator at the end.
struct Raised : std::exception {
  explicit Raised(Error e) : error(std::move(e)) {}
  Error error;
};

template <class T>
T value_of(Result<T> result) {
  if (!result) throw Raised(std::move(result.error()));
  return *std::move(result);
}

/// Runs work(stop) on a thread of its own, without the GIL. A signal's exception (Ctrl-C) stops it, and is raised once
/// it has ended.
template <class Work>
auto in_background(Work work) {
  constexpr auto kLook = std::chrono::milliseconds(50);
  std::stop_source stop;
  std::exception_ptr signal;
  auto future = std::async(std::launch::async, [&] { return work(stop.get_token()); });
  {
    const nb::gil_scoped_release release;
    while (future.wait_for(kLook) != std::future_status::ready) {
      const nb::gil_scoped_acquire acquire;
      if (signal || PyErr_CheckSignals() == 0) continue;
      signal = std::make_exception_ptr(nb::python_error());
      stop.request_stop();
    }
  }
  if (signal) {
    try {
      static_cast<void>(future.get());
    } catch (...) {  // the signal is why it failed
    }
    std::rethrow_exception(signal);
  }
  return future.get();
}

/// Tells a Python object with begin(stage, total, unit), advance(done), end() and note(message); None: nobody.
class PythonProgress final : public ProgressListener {
 public:
  explicit PythonProgress(nb::object listener) : listener_(std::move(listener)), silent_(listener_.is_none()) {}

  void begin(const std::string& stage, int64_t total, const std::string& unit, double) override {
    tell("begin", stage, total, unit);
  }
  void advance(int64_t done, double) override {
    constexpr auto kPause = std::chrono::milliseconds(50);
    const auto now = std::chrono::steady_clock::now();
    done_ = done;
    if (now < next_) return;
    next_ = now + kPause;
    tell("advance", done);
  }
  void end() override {
    tell("advance", done_);
    tell("end");
    done_ = 0;
  }
  void note(const std::string& message) override { tell("note", in_python(message)); }

 private:
  template <class... Args>
  void tell(const char* method, Args... args) {
    if (silent_) return;
    const nb::gil_scoped_acquire acquire;
    try {
      listener_.attr(method)(args...);
    } catch (nb::python_error& error) {  // progress that can't be shown stops nothing
      error.discard_as_unraisable("progress");
    }
  }

  nb::object listener_;
  bool silent_;
  int64_t done_ = 0;
  std::chrono::steady_clock::time_point next_{};
};

/// What the library calls a model, as Python holds it.
struct Model {
  std::unique_ptr<PythonProgress>
      listener;  ///< of open_model(): a server's scorer tells it notes for as long as it lives
  std::unique_ptr<Scorer> scorer;
  PythonScorer* python = nullptr;  ///< where it is one
};

/// A run and its summary, whose bootstrap is made once, when it is first asked for.
class SummarisedRun {
 public:
  explicit SummarisedRun(Run r) : run(std::move(r)) {}

  /// Called with the GIL, which others have meanwhile.
  const Summary& summary() {
    if (summary_) return *summary_;
    std::optional<Summary> made;
    {
      const nb::gil_scoped_release release;
      made = summarize(run);
    }
    if (!summary_) summary_ = std::move(made);
    return *summary_;
  }

  Run run;
  std::shared_ptr<const Run> reference;  ///< that its scores are relative to; null: none, or one that is not at hand

 private:
  std::optional<Summary> summary_;
};

template <class T, size_t n>
T choice(const std::string& option, const std::string& given, const Named<T> (&table)[n]) {
  std::string names;
  for (const Named<T>& row : table) {
    if (row.name == given) return row.value;
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  }
  throw Raised(Error{ErrorCode::kInput, "'" + given + "' is not one of: " + names, option, ""});
}

/// Takes options out of a dictionary; what stays is unknown.
class Options {
 public:
  explicit Options(nb::dict given) : given_(std::move(given)) {}

  template <class T>
  void take(const char* name, T& target) {
    if (!given_.contains(name)) return;
    try {
      target = nb::cast<T>(given_[name]);
    } catch (const std::exception&) {
      throw Raised(Error{ErrorCode::kInput, "it has the wrong type", name, ""});
    }
    nb::del(given_[name]);
  }
  template <class T, size_t n>
  void take(const char* name, T& target, const Named<T> (&table)[n]) {
    std::optional<std::string> text;
    take(name, text);
    if (text) target = choice(name, *text, table);
  }
  void finish() const {
    if (given_.size() == 0) return;
    const std::string name = nb::cast<std::string>(nb::str(given_.keys()[0]));
    throw Raised(
        Error{ErrorCode::kInput, "there is no option '" + name + "'", "", "help(hre.open_model) lists the options"});
  }

 private:
  nb::dict given_;
};

EngineOptions engine_options(const nb::dict& given) {
  EngineOptions options;
  Options left(given);
  left.take("threads", options.threads);
  left.take("gpu_layers", options.gpu_layers);
  left.take("max_length", options.max_length);
  left.take("bos", options.bos, kBosPolicies);
  left.take("long_answers", options.long_answers, kLongAnswers);
  left.take("chat_template", options.chat_template);
  left.take("system", options.system);
  left.take("date", options.date);
  left.take("precision", options.precision, kComputePrecisions);
  left.take("engine_kernels", options.kernels, kEngineKernels);
  left.take("kv_type", options.cache_type, kCacheTypes);
  left.take("flash_attention", options.flash_attention, kFlashAttentions);
  left.take("devices", options.devices);
  left.take("tensor_split", options.tensor_split);
  left.take("numa", options.numa);
  left.take("rpc", options.rpc);
  left.take("stream_weights", options.stream_weights);
  left.take("workers", options.workers);
  std::vector<std::pair<std::string, float>> adapters;
  left.take("adapters", adapters);
  for (auto& [path, scale] : adapters) options.adapters.push_back({std::move(path), scale});
  left.take("api_key_file", options.server.api_key_file);
  left.take("ca_file", options.server.ca_file);
  left.take("wait", options.server.wait_seconds);
  left.take("request_timeout", options.server.timeout_seconds);
  left.take("max_concurrency", options.server.most_in_flight);
  left.finish();
  return options;
}

std::unique_ptr<Model> open(const std::string& source, const nb::dict& given, nb::object progress) {
  EngineOptions options = engine_options(given);
  auto model = std::make_unique<Model>();
  model->listener = std::make_unique<PythonProgress>(std::move(progress));
  options.server.note = [listener = model->listener.get()](const std::string& message) { listener->note(message); };
  model->scorer = value_of(in_background([&](const std::stop_token& stop) {
    options.server.stop = stop;
    return open_model_argument(source, options, *model->listener, stop);
  }));
  return model;
}

/// `max_length` > 0: the model works on tokens. `decoder_start`: it is an encoder-decoder.
std::unique_ptr<Model> wrap(nb::object object, const std::string& name, const std::string& fingerprint,
                            std::vector<std::pair<std::string, std::string>> settings, size_t batch, int max_length,
                            std::optional<Token> bos, const std::string& long_answers,
                            std::optional<Token> decoder_start, std::optional<Token> source_end) {
  ModelDescription description;
  description.name = name;
  description.fingerprint = fingerprint;
  // Another object of its class has the same name, so that the name alone identifies no model.
  if (!fingerprint.empty()) description.source = name;
  description.architecture = "python";
  description.settings = std::move(settings);
  std::optional<PlanRules> rules;
  std::optional<EncoderDecoderRules> encoder;
  if (decoder_start) {
    encoder = EncoderDecoderRules{*decoder_start, source_end};
    description.settings.emplace_back("encoder_end", source_end ? "token " + std::to_string(*source_end) : "none");
  }
  if (max_length > 0) {
    rules = PlanRules{max_length, bos, choice("long_answers", long_answers, kLongAnswers)};
    description.settings.emplace_back("bos", bos ? std::to_string(*bos) : "none");
    description.settings.emplace_back("max_length", std::to_string(max_length));
    description.settings.emplace_back("long_answers", long_answers);
  }
  auto scorer = std::make_unique<PythonScorer>(std::move(object), std::move(description), batch, rules, encoder);
  auto model = std::make_unique<Model>();
  model->python = scorer.get();
  model->scorer = std::move(scorer);
  return model;
}

Dataset load(const std::string& source, nb::object progress) {
  PythonProgress listener(std::move(progress));
  return value_of(
      in_background([&](const std::stop_token& stop) { return load_data_argument(source, listener, stop); }));
}

/// Rows as Python has them: dictionaries with question, answers, and if wanted topic and id.
class PythonRows final : public data::RowReader {
 public:
  PythonRows(nb::iterator rows, std::string name) : rows_(std::move(rows)), name_(std::move(name)) {}

  Result<std::optional<data::Row>> next() override {
    if (rows_ == nb::iterator::sentinel()) return std::nullopt;
    ++number_;
    const nb::object item = nb::borrow(*rows_);
    auto row = row_of(item);
    ++rows_;
    if (!row) return forward(row);
    return *std::move(row);
  }
  [[nodiscard]] std::string where() const override { return name_ + ", row " + std::to_string(number_); }
  [[nodiscard]] double progress() const override { return 1; }

 private:
  Result<data::Row> row_of(const nb::object& item) const {
    constexpr const char* kExpected =
        "a question is {\"question\": str, \"answers\": [{\"text\": str, \"votes\": number}, ...], \"topic\": str}";
    data::Row row;
    const char* what = "a dictionary";
    try {
      const auto text_of = [&](const nb::object& object, const char* key) {
        what = key;
        return nb::cast<std::string>(object[key]);
      };
      const auto maybe = [&](const char* key) -> std::optional<std::string> {
        const nb::object value = item.attr("get")(key);
        what = key;
        return value.is_none() ? std::nullopt : std::optional(nb::cast<std::string>(value));
      };
      row.topic = maybe("topic");
      row.id = maybe("id");
      row.text = text_of(item, "question");
      what = "answers";
      for (nb::handle answer : nb::object(item["answers"])) {
        const nb::object one = nb::borrow(answer);
        std::string text = text_of(one, "text");
        what = "votes";
        const double votes = PyFloat_AsDouble(nb::object(one["votes"]).ptr());
        if (PyErr_Occurred()) throw nb::python_error();
        if (!std::isfinite(votes)) return input_error("its votes are not finite", where(), kExpected);
        row.answers.push_back({std::move(text), votes});
        what = "answers";
      }
    } catch (const std::exception&) {
      return input_error(std::string("'") + what + "' is missing or of another type", where(), kExpected);
    }
    return row;
  }

  nb::iterator rows_;
  std::string name_;
  int64_t number_ = 0;
};

Dataset dataset_of_rows(const nb::iterable& rows, const std::string& name) {
  std::vector<data::TopicRows> parts;
  parts.push_back({topic_of_split(name), std::make_unique<PythonRows>(rows.begin(), name)});
  return value_of(data::dataset_of_rows(std::move(parts), name));
}

/// Tables with Arrow's C stream interface, by the topics of rows that name none; each capsule's stream is used up.
Dataset dataset_of_streams(const std::vector<std::pair<std::string, nb::capsule>>& tables, const std::string& name) {
  std::vector<data::TopicRows> parts;
  for (const auto& [split, capsule] : tables) {
    auto* stream = static_cast<ArrowArrayStream*>(capsule.data("arrow_array_stream"));
    parts.push_back({topic_of_split(split), value_of(data::read_arrow_batches(stream, split))});
  }
  return value_of(data::dataset_of_rows(std::move(parts), name));
}

SummarisedRun evaluate_model(Model& model, const Dataset& dataset, const nb::dict& given, nb::object progress) {
  EvalOptions options;
  Keeping keeping;
  std::string store = "none", metadata;
  std::optional<double> until;
  Options left(given);
  left.take("topics", options.topics);
  left.take("limit", options.limit);
  left.take("where", options.where);
  left.take("metadata", metadata);
  left.take("until", until);
  left.take("shuffle", options.shuffle);
  left.take("shuffle_seed", options.shuffle_seed);
  left.take("prompt", options.prompt);
  left.take("keep_tokens", options.keep_tokens);
  left.take("undefined", options.undefined, kUndefinedPolicies);
  if (until && !(*until > 0)) throw Raised(Error{ErrorCode::kInput, "a width is above 0", "‹until›", ""});
  left.take("store", store);
  left.take("name", keeping.name);
  left.take("reuse", keeping.reuse);
  left.finish();
  keeping.store = store_path(store);
  if (keeping.store.empty() && store.empty() && std::getenv("HRE_STORE") == nullptr) {
    throw Raised(Error{ErrorCode::kInput, "there is no home folder for a store of runs", "‹store›", "name a file"});
  }
  PythonProgress listener(std::move(progress));
  if (model.python) model.python->forget();
  auto run = in_background([&](const std::stop_token& stop) -> Result<Run> {
    std::optional<Dataset> chosen;
    if (!options.where.empty()) {
      chosen = dataset;
      if (auto ok = keep_questions_where(options.where, metadata, *chosen); !ok) return forward(ok);
    }
    const Dataset& questions = chosen ? *chosen : dataset;
    if (!until) return evaluate(questions, *model.scorer, options, listener, stop, keeping);
    Scorer* const scorers[] = {model.scorer.get()};
    auto runs = evaluate_until(questions, scorers, options, {.width = until}, listener, stop, keeping);
    if (!runs) return forward(runs);
    return std::move(runs->front());
  });
  if (model.python && model.python->raised()) std::rethrow_exception(model.python->raised());
  Run done = value_of(std::move(run));
  if (done.failure) throw Raised(*done.failure);
  return SummarisedRun(std::move(done));
}

SummarisedRun with_score(const SummarisedRun& given, const std::optional<std::string>& score,
                         const SummarisedRun* reference, bool allow_different) {
  Run run = given.run;
  if (reference != nullptr) {
    if (auto ok = refer_to(reference->run, allow_different, run); !ok) throw Raised(ok.error());
  }
  const ScoreKind kind = score ? choice("score", *score, kScoreKinds) : run.reference ? ScoreKind::kSum : run.score;
  if (auto ok = choose_score(kind, run); !ok) throw Raised(ok.error());
  SummarisedRun scored(std::move(run));
  scored.reference = reference != nullptr ? std::make_shared<const Run>(reference->run) : given.reference;
  return scored;
}

std::vector<const Run*> runs_of(const std::vector<const SummarisedRun*>& given) {
  std::vector<const Run*> runs;
  for (const SummarisedRun* run : given) runs.push_back(&run->run);
  return runs;
}

CompareOptions compare_options(const std::string& metric, const std::string& weights, double level,
                               std::optional<double> margin, bool allow_different) {
  CompareOptions options;
  options.metric = value_of(find_metric(metric));
  options.statistics.weights = choice("weights", weights, kWeights);
  options.level = level;
  options.margin = margin;
  options.allow_different = allow_different;
  return options;
}

std::pair<std::string, std::string> compare(const std::vector<const SummarisedRun*>& given, const std::string& metric,
                                            const std::string& weights, double level, std::optional<double> margin,
                                            bool allow_different) {
  const CompareOptions options = compare_options(metric, weights, level, margin, allow_different);
  const std::vector<const Run*> runs = runs_of(given);
  const Comparison comparison = value_of(
      in_background([&](const std::stop_token&) { return compare_runs(std::span<const Run* const>(runs), options); }));
  return {comparison_json(comparison, {}), comparison_text(comparison)};
}

/// A policy in TOML, or one check and, where topics are given, another of these. `policy`: its text; empty: none.
std::pair<std::string, std::string> gate(const SummarisedRun& run, const SummarisedRun& baseline,
                                         const std::string& policy, const std::string& place, const std::string& metric,
                                         const std::optional<std::string>& score, double margin,
                                         const std::string& topics, const std::string& weights,
                                         std::optional<double> level, bool allow_different) {
  GatePolicy rules;
  if (policy.empty()) {
    GateRule rule;
    rule.metric = value_of(find_metric(metric));
    if (score) rule.score = choice("score", *score, kScoreKinds);
    if (!(margin >= 0)) throw Raised(Error{ErrorCode::kInput, "a margin is not below 0", "margin", ""});
    rule.margin = margin;
    rule.weights = choice("weights", weights, kWeights);
    rules.rules.push_back(rule);
    rule.topics = topics;
    if (!topics.empty()) rules.rules.push_back(rule);
  } else {
    rules = value_of(parse_gate_file(policy, place)).policy;
  }
  if (level) rules.level = *level;
  if (!(rules.level > 0 && rules.level <= 0.5)) {
    throw Raised(Error{ErrorCode::kInput, "a level is above 0 and at most 0.5", "level", ""});
  }
  rules.allow_different = allow_different;
  for (const SummarisedRun* one : {&run, &baseline}) {
    if (one->run.partial()) throw Raised(Error{ErrorCode::kInput, "the run is partial", one->run.model.name, ""});
  }
  const GateReport report =
      value_of(in_background([&](const std::stop_token&) { return run_gate(run.run, baseline.run, rules); }));
  return {gate_json(report, {}), gate_text(report, 80)};
}

std::pair<std::string, std::string> power(const std::vector<const SummarisedRun*>& given, const std::string& metric,
                                          std::optional<double> difference, std::optional<int64_t> questions) {
  PowerOptions options;
  options.compare.metric = value_of(find_metric(metric));
  options.difference = difference;
  options.questions = questions;
  const std::vector<const Run*> runs = runs_of(given);
  const RunPower result = value_of(in_background([&](const std::stop_token&) { return run_power(runs, options); }));
  return {power_json(result, {}), power_text(result)};
}

/// What is said of a run: name (empty: the model's), family, size (nothing: the model's), stage.
using MemberFacts = std::tuple<std::string, std::string, std::optional<double>, std::string>;

std::pair<std::string, std::string> study(const std::vector<const SummarisedRun*>& given,
                                          const std::vector<MemberFacts>& facts,
                                          const std::vector<std::pair<std::string, ModelValues>>& judgements,
                                          const std::string& name, const std::string& metric,
                                          const std::string& weights, bool allow_different) {
  StudyOptions options;
  options.compare = compare_options(metric, weights, 0.05, std::nullopt, allow_different);
  const std::vector<const Run*> runs = runs_of(given);
  std::vector<StudyMember> members;
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto& [member, family, size, stage] = facts[i];
    members.push_back(
        {member.empty() ? runs[i]->model.name : member, family, size.value_or(0), choice("stage", stage, kStages)});
  }
  std::vector<Judgement> columns;
  for (const auto& [judgement, values] : judgements) columns.push_back({judgement, values});
  const Study result = value_of(in_background(
      [&](const std::stop_token&) { return make_study(runs, std::move(members), std::move(columns), options); }));
  return {study_json(result, name, {}), study_text(result, name)};
}

/// Gives the page's path. `study_data`: the JSON of a study, or empty.
std::string report(const std::vector<const SummarisedRun*>& given, const std::string& out, const Dataset* dataset,
                   const std::string& data, const std::string& study_data, bool allow_different, nb::object progress) {
  PythonProgress listener(std::move(progress));
  std::optional<StudyView> view;
  if (!study_data.empty()) view = value_of(read_study(study_data, "‹study›"));
  std::vector<Run> runs;
  std::vector<std::shared_ptr<const Run>> references;
  for (const SummarisedRun* run : given) {
    runs.push_back(run->run);
    references.push_back(run->reference);
  }
  std::optional<Dataset> texts;
  if (dataset) texts = *dataset;
  CompareOptions options;
  options.allow_different = allow_different;
  return value_of(in_background([&](const std::stop_token& stop) -> Result<WrittenReport> {
           if (texts) {
             if (auto same = check_fingerprint(runs.front(), *texts); !same) return forward(same);
           } else if (!runs.empty() && runs.front().item_metric.empty()) {
             auto found = dataset_of_run(data, runs.front(), listener);
             if (!found) return forward(found);
             texts = std::move(*found);
           }
           auto ready = report_data(std::move(runs), std::move(texts), {}, options, std::move(references));
           if (!ready) return forward(ready);
           return write_report(*ready, view, out, listener, stop);
         }))
      .page;
}

/// The metrics of a question whose answers' log-likelihoods are known.
nb::dict metrics_of(const std::vector<double>& votes, const std::vector<double>& sums,
                    const std::vector<std::string>& texts) {
  if (votes.size() != sums.size() || votes.size() != texts.size())
    throw Raised(Error{ErrorCode::kInput, "votes, sums and texts are not of equal number", "", ""});
  QuestionResult question;
  for (size_t i = 0; i < votes.size(); ++i) {
    AnswerResult& answer = question.answers.emplace_back();
    answer.votes = votes[i];
    answer.sum_log_prob = sums[i];
    answer.n_chars = count_code_points(texts[i]);
    answer.n_bytes = static_cast<int64_t>(texts[i].size());
  }
  complete_question(question, true);
  nb::dict values;
  for (const Metric& metric : all_metrics()) {
    if (metric.of_model) values[metric.name] = question.metrics.*metric.of_question;
  }
  return values;
}

std::vector<SummarisedRun> read_runs(const std::string& text, const std::string& where) {
  std::vector<SummarisedRun> runs;
  for (Run& run : value_of(read_runs_json(text, where))) runs.emplace_back(std::move(run));
  return runs;
}

/// A log of another harness: one run.
SummarisedRun read_log(const std::string& path, const std::string& metric) {
  return SummarisedRun(value_of(in_background([&](const std::stop_token&) { return read_item_log(path, metric); })));
}

void translate(const std::exception_ptr& pointer, void*) {
  try {
    std::rethrow_exception(pointer);
  } catch (const Raised& raised) {
    const std::map<ErrorCode, const char*> names = {{ErrorCode::kFailed, "Error"},
                                                    {ErrorCode::kInput, "InputError"},
                                                    {ErrorCode::kThreshold, "ThresholdError"},
                                                    {ErrorCode::kInterrupted, "Interrupted"}};
    const nb::object type = nb::module_::import_("hre._errors").attr(names.at(raised.error.code));
    PyErr_SetString(type.ptr(), in_python(raised.error.text()).c_str());
  }
}

}  // namespace

NB_MODULE(_core, m) {
  nb::register_exception_translator(translate);
  m.attr("__version__") = HRE_VERSION;
  m.def("engine_description", &engine_description);

  nb::class_<Dataset>(m, "Dataset",
                      R"(Questions with the answers that people wrote and voted on: hre.load_dataset makes them.

>>> import hre
>>> data = hre.load_dataset("sample")
>>> len(data) > 50, data.name, data.source, len(data.fingerprint)
(True, 'sample', 'sample', 32)
>>> sorted(data.question(0)), sorted(data.question(0)["answers"][0])
(['answers', 'id', 'question', 'topic'], ['text', 'votes'])
)")
      .def("__len__", [](const Dataset& d) { return d.questions.size(); })
      .def_ro("name", &Dataset::name, "As results show it.")
      .def_ro("source", &Dataset::source, "Where it was read from.")
      .def_ro("fingerprint", &Dataset::fingerprint, "Changes whenever a question, an answer or a vote does.")
      .def(
          "question",
          [](const Dataset& d, size_t i) {
            if (i >= d.questions.size()) throw nb::index_error();
            const Question& question = d.questions[i];
            nb::list answers;
            for (const Answer& answer : question.answers) {
              nb::dict one;
              one["text"] = answer.text;
              one["votes"] = answer.votes;
              answers.append(one);
            }
            nb::dict result;
            result["id"] = question.id;
            result["topic"] = question.topic;
            result["question"] = question.text;
            result["answers"] = answers;
            return result;
          },
          "index"_a, "A dictionary of id, topic, question and answers, each with text and votes.");
  nb::class_<Model>(m, "Model")
      .def_prop_ro("name", [](const Model& model) { return model.scorer->describe().name; })
      .def_prop_ro("settings", [](const Model& model) { return model.scorer->describe().settings; });
  nb::class_<SummarisedRun>(m, "Run")
      .def_prop_ro("partial", [](const SummarisedRun& run) { return run.run.partial(); })
      .def_prop_ro("name", [](const SummarisedRun& run) { return run.run.name; })
      .def_prop_ro("not_kept",
                   [](const SummarisedRun& run) {
                     return run.run.not_kept ? in_python(run.run.not_kept->text()) : std::string();
                   })
      .def("with_score", &with_score, "score"_a.none(), "reference"_a.none(), "allow_different"_a)
      .def("json", [](SummarisedRun& run, bool details) { return run_json(run.run, run.summary(), details); })
      .def("save",
           [](SummarisedRun& run, const std::string& path) {
             if (!run.run.item_metric.empty()) {
               throw Raised(Error{ErrorCode::kInput, "is a log of another harness, and no run of hre's",
                                  run.run.model.source, ""});
             }
             if (auto ok = write_file(path, run_json(run.run, run.summary(), true)); !ok) throw Raised(ok.error());
           })
      .def("text", [](SummarisedRun& run, int width) {
        std::string text;
        for (const std::string& note : run_notes(run.run, run.summary().questions)) text += visible_line(note) + '\n';
        if (!run.run.item_metric.empty()) {
          const Estimate& mean = run.summary().micro.item;
          return text + visible_line("Mean " + with_interval(mean) + " of " + std::to_string(mean.n) + " items.") +
                 '\n';
        }
        return text + summary_table({run.run}, {run.summary()}, width);
      });

  m.def("load_dataset", &load, "source"_a, "progress"_a.none());
  m.def("dataset_of_rows", &dataset_of_rows, "rows"_a, "name"_a);
  m.def("dataset_of_streams", &dataset_of_streams, "tables"_a, "name"_a);
  m.def("open_model", &open, "source"_a, "options"_a, "progress"_a.none());
  m.def("wrap_model", &wrap, "model"_a, "name"_a, "fingerprint"_a, "settings"_a, "batch"_a, "max_length"_a,
        "bos"_a.none(), "long_answers"_a, "decoder_start"_a.none(), "source_end"_a.none());
  m.def("evaluate", &evaluate_model, "model"_a, "dataset"_a, "options"_a, "progress"_a.none());
  m.def("read_runs", &read_runs, "text"_a, "where"_a);
  m.def("is_log", &is_item_log, "path"_a);
  m.def("read_log", &read_log, "path"_a, "metric"_a);
  m.def("gate", &gate, "run"_a, "baseline"_a, "policy"_a, "place"_a, "metric"_a, "score"_a.none(), "margin"_a,
        "topics"_a, "weights"_a, "level"_a.none(), "allow_different"_a);
  m.def("compare", &compare, "runs"_a, "metric"_a, "weights"_a, "level"_a, "margin"_a.none(), "allow_different"_a);
  m.def("power", &power, "runs"_a, "metric"_a, "difference"_a.none(), "questions"_a.none());
  m.def("question_metrics", &metrics_of, "votes"_a, "sums"_a, "texts"_a);
  m.def("study", &study, "runs"_a, "facts"_a, "judgements"_a, "name"_a, "metric"_a, "weights"_a, "allow_different"_a);
  m.def("report", &report, "runs"_a, "out"_a, "dataset"_a.none(), "data"_a, "study_data"_a, "allow_different"_a,
        "progress"_a.none());
  m.def("store_path", &store_path, "given"_a);

  nb::class_<RunStore>(m, "Store")
      .def_static("open",
                  [](const std::string& path) { return std::make_unique<RunStore>(value_of(RunStore::open(path))); })
      .def("list",
           [](RunStore& store) {
             nb::list runs;
             for (const RunInfo& info : value_of(store.list())) {
               nb::dict run;
               run["name"] = info.name;
               run["id"] = info.id;
               run["model"] = info.model.name;
               run["dataset"] = info.dataset_name;
               run["created"] = info.created;
               run["questions"] = info.done;
               run["planned"] = info.planned;
               run["value"] = info.value;
               run["stderr"] = info.value_stderr;
               run["ci95"] = nb::none();
               if (info.value_low && info.value_high) run["ci95"] = nb::make_tuple(*info.value_low, *info.value_high);
               if (!info.problem.empty()) run["problem"] = in_python(info.problem);
               runs.append(run);
             }
             return runs;
           })
      .def("load",
           [](RunStore& store, const std::string& argument) { return SummarisedRun(value_of(store.load(argument))); })
      .def("remove", [](RunStore& store, const std::string& argument) {
        const RunInfo info = value_of(store.find(argument));
        if (auto ok = store.remove({info}); !ok) throw Raised(ok.error());
      });
}

}  // namespace hre::python
