/// hre-run/1 back into runs. Files come from other people: every field is checked for its type,
/// and an error says which one is wrong.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "analysis/metric.h"
#include "analysis/question_metrics.h"
#include "analysis/scores.h"
#include "core/text.h"
#include "report/run_json.h"

namespace hre {
namespace {

using Json = nlohmann::ordered_json;

/// What is wrong with a file, and at which field; thrown and caught in this file alone.
struct Bad {
  std::string message;
};

/// A JSON value with the way to it, for messages.
class Field {
 public:
  Field(const Json& json, std::string path) : json_(json), path_(std::move(path)) {}

  [[noreturn]] void bad(const std::string& message) const { throw Bad{path_ + ": " + message}; }

  Field operator[](const std::string& key) const {
    if (!json_.is_object()) bad("is not an object");
    const auto found = json_.find(key);
    if (found == json_.end()) bad("has no field '" + key + "'");
    return {*found, path_.empty() ? key : path_ + "." + key};
  }
  [[nodiscard]] bool has(const std::string& key) const { return json_.is_object() && json_.contains(key); }
  [[nodiscard]] bool is_null() const { return json_.is_null(); }

  [[nodiscard]] std::string text() const {
    if (!json_.is_string()) bad("is not a string");
    return json_.get<std::string>();
  }
  [[nodiscard]] std::string text_or_null() const { return is_null() ? "" : text(); }
  [[nodiscard]] bool boolean() const {
    if (!json_.is_boolean()) bad("is neither true nor false");
    return json_.get<bool>();
  }
  [[nodiscard]] double number() const {
    if (!json_.is_number()) bad("is not a number");
    return json_.get<double>();
  }
  [[nodiscard]] std::optional<double> number_or_null() const {
    return is_null() ? std::nullopt : std::optional(number());
  }
  /// Numbers that JSON can't hold were written as null.
  [[nodiscard]] double number_or_nan() const { return number_or_null().value_or(std::nan("")); }
  [[nodiscard]] int64_t count() const {
    if (!json_.is_number_unsigned() || json_.get<uint64_t>() > INT64_MAX) bad("is not a count");
    return json_.get<int64_t>();
  }
  [[nodiscard]] int small_count() const {
    if (count() > INT32_MAX) bad("is too large");
    return static_cast<int>(count());
  }
  [[nodiscard]] uint64_t unsigned_number() const {
    if (!json_.is_number_unsigned()) bad("is not a whole number of 0 or more");
    return json_.get<uint64_t>();
  }

  [[nodiscard]] std::vector<Field> items() const {
    if (!json_.is_array()) bad("is not a list");
    std::vector<Field> fields;
    fields.reserve(json_.size());
    for (const Json& item : json_) fields.emplace_back(item, fmt::format("{}[{}]", path_, fields.size()));
    return fields;
  }
  [[nodiscard]] std::vector<std::pair<std::string, Field>> members() const {
    if (!json_.is_object()) bad("is not an object");
    std::vector<std::pair<std::string, Field>> fields;
    for (const auto& [key, value] : json_.items()) fields.emplace_back(key, Field(value, path_ + "." + key));
    return fields;
  }

 private:
  const Json& json_;
  std::string path_;
};

TokenTexts texts_of(const Field& field, size_t n_tokens) {
  TokenTexts texts;
  for (const Field& token : field.items()) {
    texts.text += token.text();
    texts.ends.push_back(static_cast<uint32_t>(texts.text.size()));
  }
  if (texts.ends.size() != n_tokens) field.bad(fmt::format("has {} texts for {} tokens", texts.ends.size(), n_tokens));
  return texts;
}

/// Refuses a sum or a number of tokens that does not follow from the values of the tokens beside it.
void check_tokens(const Field& field, const AnswerResult& answer) {
  const std::vector<float>& tokens = answer.token_log_probs;
  const bool has_tokens = answer.n_tokens != 0;  // a baseline has none, and one value
  if (has_tokens && static_cast<size_t>(answer.n_tokens) != tokens.size()) {
    field["n_tokens"].bad(fmt::format("is {}, and there are the values of {} tokens", answer.n_tokens, tokens.size()));
  }
  double sum = 0, size = 1;
  for (const float value : tokens) {
    sum += value;
    size += std::abs(value);
  }
  constexpr double kRounding = 1e-6;  // tokens are kept in float32
  const bool same = std::isfinite(sum) ? std::abs(answer.sum_log_prob - sum) <= kRounding * size
                                       : !std::isfinite(answer.sum_log_prob);
  if (same) return;
  field["sum_log_prob"].bad(fmt::format("is {}, and the tokens beside it give {}", answer.sum_log_prob, sum));
}

AnswerResult answer_of(const Field& field) {
  AnswerResult answer;
  answer.votes = field["votes"].number_or_nan();
  answer.n_chars = field["n_chars"].count();
  if (field.has("n_bytes") && !field["n_bytes"].is_null()) answer.n_bytes = field["n_bytes"].count();
  answer.n_tokens = field["n_tokens"].small_count();
  answer.n_truncated = field["n_truncated"].small_count();
  if (field.has("n_cut_chars")) answer.n_cut_chars = field["n_cut_chars"].small_count();
  answer.sum_log_prob = field["sum_log_prob"].number_or_nan();
  if (field.has("reference_log_prob")) answer.reference_log_prob = field["reference_log_prob"].number_or_nan();
  if (field.has("token_log_probs")) {
    for (const Field& token : field["token_log_probs"].items()) {
      answer.token_log_probs.push_back(static_cast<float>(token.number_or_nan()));
    }
    check_tokens(field, answer);
  }
  if (field.has("token_texts")) answer.token_texts = texts_of(field["token_texts"], answer.token_log_probs.size());
  return answer;
}

/// Refuses a derived number that does not follow from what stands beside it: one of the two was changed.
void check_derived(const Field& field, const char* name, const std::optional<double>& computed) {
  if (!field.has(name)) return;
  const std::optional<double> written = field[name].number_or_null();
  constexpr double kRounding = 1e-6;
  const bool same = written.has_value() == computed.has_value() &&
                    (!written || std::abs(*written - *computed) <= kRounding * std::max(1.0, std::abs(*computed)));
  if (same) return;
  field[name].bad(fmt::format("is {}, but the answers beside it give {}", written ? fmt::to_string(*written) : "null",
                              computed ? fmt::to_string(*computed) : "null"));
}

/// Metrics are computed from the answers. Those whose definition has never changed must be what was written.
void complete(const Field& field, const Run& run, QuestionResult& question) {
  if (question.answers.empty()) return;
  complete_question(question, run.model.normalise_by_characters, run.score);
  for (size_t i = 0; i < question.answers.size(); ++i) {
    const double computed = question.answers[i].score;
    check_derived(field["answers"].items()[i], "score",
                  std::isfinite(computed) ? std::optional(computed) : std::nullopt);
  }
  const QuestionMetrics& metrics = question.metrics;
  check_derived(field, "pearson", metrics.pearson);
  check_derived(field, "spearman", metrics.spearman);
  check_derived(field, "kendall", metrics.kendall);
  check_derived(field, "pairwise_accuracy", metrics.pairwise_accuracy);
}

QuestionResult question_of(const Field& field, const Run& run) {
  QuestionResult question;
  question.id = field["id"].text();
  question.topic = field["topic"].text();
  if (field.has("problem")) question.problem = field["problem"].text();
  for (const Field& answer : field["answers"].items()) question.answers.push_back(answer_of(answer));
  complete(field, run, question);
  return question;
}

void read_model(const Field& field, ModelDescription& model) {
  model.name = field["name"].text();
  model.source = field["source"].text();
  model.fingerprint = field["fingerprint"].text_or_null();
  model.architecture = field["architecture"].text();
  model.parameters = field["parameters"].unsigned_number();
  model.file_type = field["file_type"].text_or_null();
}

/// What is not the evaluation's own option is a setting of the model.
void read_config(const Field& field, Run& run) {
  static const std::set<std::string> kOptions = {"prompt",       "topics", "limit",    "where",
                                                 "shuffle_seed", "score",  "undefined"};
  EvalOptions& options = run.options;
  options.prompt = field["prompt"].text();
  for (const Field& topic : field["topics"].items()) options.topics.push_back(topic.text());
  if (field.has("where")) {
    for (const Field& condition : field["where"].items()) options.where.push_back(condition.text());
  }
  if (!field["limit"].is_null()) options.limit = field["limit"].count();
  options.shuffle = !field["shuffle_seed"].is_null();
  if (options.shuffle) options.shuffle_seed = field["shuffle_seed"].unsigned_number();
  options.undefined = field["undefined"].text() == "zero" ? UndefinedPolicy::kZero : UndefinedPolicy::kLeaveOut;
  run.model.normalise_by_characters = field["score"].text() != "sum_log_prob";
  for (const auto& [name, value] : field.members()) {
    if (!kOptions.contains(name)) run.model.settings.emplace_back(name, value.text());
  }
}

/// Files that were written before have the published score, or none that is a log-likelihood, as their config says.
void read_score(const Field& field, Run& run) {
  run.model.normalise_by_characters = !field.is_null();
  if (field.is_null()) return;
  for (const auto& [name, kind] : kScoreKinds) {
    if (field.text() != name) continue;
    run.score = kind;
    return;
  }
  field.bad("is '" + field.text() + "', and not a score of this hre");
}

RunShard shard_of(const Field& field) {
  constexpr int64_t kMost = 1 << 20;
  const int64_t index = field["index"].count(), count = field["count"].count();
  if (count < 1 || count > kMost || index < 1 || index > count)
    field.bad("is not an index from 1 to the count of shards");
  RunShard shard{static_cast<int>(index), static_cast<int>(count), field["selected"].count(), {}};
  for (const Field& place : field["places"].items()) shard.places.push_back(place.count());
  return shard;
}

EarlyStop early_stop_of(const Field& field) {
  const std::vector<Field> interval = field["ci95"].items();
  if (interval.size() != 2) field["ci95"].bad("is not a pair of numbers");
  return {field["rule"].text(),       field["metric"].text(),       field["seed"].unsigned_number(),
          field["reached"].boolean(), interval[0].number_or_null(), interval[1].number_or_null()};
}

Estimate estimate_of(const Field& field) {
  const auto interval = [&](const char* name) {
    const std::vector<Field> bounds = field[name].items();
    if (bounds.size() != 2) field[name].bad("is not a pair of numbers");
    return std::pair(bounds[0].number_or_null(), bounds[1].number_or_null());
  };
  Estimate e;
  e.n = field["n"].count();
  e.undefined = field["undefined"].count();
  e.mean = field["mean"].number_or_null();
  e.stderr_ = field["stderr"].number_or_null();
  std::tie(e.ci_low, e.ci_high) = interval("ci95");
  if (field.has("chance")) e.chance = field["chance"].number_or_null();
  if (field.has("bootstrap95")) std::tie(e.bootstrap_low, e.bootstrap_high) = interval("bootstrap95");
  return e;
}

MetricSummary metric_means_of(const Field& field) {
  MetricSummary means;
  for (const Metric& metric : all_metrics()) {
    if (field.has(metric.name)) means.*metric.of_summary = estimate_of(field[metric.name]);
    if (!metric.chance_of_question) (means.*metric.of_summary).chance = metric.chance;
  }
  for (const Metric& metric : dated_metrics()) {
    if (field.has(metric.name)) means.*metric.of_summary = estimate_of(field[metric.name]);
  }
  return means;
}

/// Empty in files that were written without.
LengthParts length_of(const Field& field) {
  if (!field.has("length")) return {};
  const Field parts = field["length"];
  return {estimate_of(parts["value"]), estimate_of(parts["through"]), estimate_of(parts["beyond"]), {}, {}, {}};
}

/// The means of a run whose questions are not there.
Summary means_of(const Field& field) {
  Summary summary;
  for (const auto& [topic, of_topic] : field["topics"].members()) {
    summary.topics.push_back(
        {topic, of_topic["questions"].count(), of_topic["undefined"].count(), metric_means_of(of_topic)});
  }
  std::ranges::sort(summary.topics, {}, &TopicSummary::topic);
  summary.micro = metric_means_of(field["micro"]);
  summary.macro = metric_means_of(field["macro"]);
  summary.micro_length = length_of(field["micro"]);
  summary.macro_length = length_of(field["macro"]);
  summary.questions = field["micro"]["questions"].count();
  summary.undefined = field["micro"]["undefined"].count();
  return summary;
}

void read_questions(const Field& field, Run& run) {
  for (const Field& question : field["questions"].items()) {
    run.questions.push_back(question_of(question, run));
    run.options.keep_tokens |= std::any_of(run.questions.back().answers.begin(), run.questions.back().answers.end(),
                                           [](const AnswerResult& answer) { return !answer.token_log_probs.empty(); });
  }
  run.planned = field["planned"].count();
  if (run.planned < static_cast<int64_t>(run.questions.size()))
    field["planned"].bad("is less than the number of questions in the file");
}

ReadRun run_of(const Field& field, bool needs_questions) {
  if (!field.has("format")) field.bad("has no field 'format': is it a result of hre eval?");
  const std::string format = field["format"].text();
  if (format != "hre-run/1") field["format"].bad("is '" + format + "', not hre-run/1");
  Run run;
  run.created = field["created"].text();
  read_model(field["model"], run.model);
  run.dataset_name = field["dataset"]["name"].text();
  run.dataset_source = field["dataset"]["source"].text();
  run.dataset_fingerprint = field["dataset"]["fingerprint"].text();
  run.dataset_questions = field["dataset"]["questions"].count();
  read_config(field["config"], run);
  if (field.has("reference")) {
    const Field reference = field["reference"];
    run.reference = {reference["name"].text(), reference["source"].text(), reference["fingerprint"].text(),
                     reference["prompt"].text()};
  }
  if (field.has("score")) read_score(field["score"], run);
  const Field times = field["times"];
  run.times = {times["plan_seconds"].number(), times["score_seconds"].number(), times["positions"].count(),
               times["positions_unshared"].count()};
  if (times.has("questions_reused")) run.times.reused = times["questions_reused"].count();
  if (field.has("shard")) run.shard = shard_of(field["shard"]);
  if (field.has("early_stop")) run.early_stop = early_stop_of(field["early_stop"]);
  if (field.has("questions")) {
    read_questions(field, run);
    return {std::move(run), std::nullopt};
  }
  if (needs_questions) field.bad("holds no questions: it was written without ‹details›");
  if (field["partial"].boolean()) run.planned = field["planned"].count();
  return {std::move(run), means_of(field["results"])};
}

Result<std::vector<ReadRun>> read_all(std::string_view text, const std::string& where, bool needs_questions) {
  if (const auto at = find_invalid_utf8(text)) return input_error(fmt::format("byte {} is not UTF-8", *at + 1), where);
  try {
    const Json json = Json::parse(text);
    std::vector<ReadRun> runs;
    if (json.is_array()) {
      for (const Field& field : Field(json, "").items()) runs.push_back(run_of(field, needs_questions));
    } else {
      runs.push_back(run_of(Field(json, ""), needs_questions));
    }
    if (runs.empty()) return input_error("holds no run", where);
    return runs;
  } catch (const Bad& bad) {
    const std::string message = bad.message.starts_with(": ") ? bad.message.substr(2) : bad.message;
    return input_error(message, where);
  } catch (const Json::exception& problem) {
    return input_error(std::string("is not JSON: ") + problem.what(), where);
  }
}

}  // namespace

Result<std::vector<ReadRun>> read_runs_or_means_json(std::string_view text, const std::string& where) {
  return read_all(text, where, false);
}

Result<std::vector<Run>> read_runs_json(std::string_view text, const std::string& where) {
  auto read = read_all(text, where, true);
  if (!read) return forward(read);
  std::vector<Run> runs;
  for (ReadRun& one : *read) runs.push_back(std::move(one.run));
  return runs;
}

}  // namespace hre
