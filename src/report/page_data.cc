#include "report/page_data.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/metric.h"
#include "analysis/option_names.h"
#include "analysis/question_metrics.h"
#include "analysis/scores.h"
#include "analysis/tokens.h"
#include "core/text.h"
#include "report/training_text.h"

namespace hre {
namespace {

using Json = nlohmann::ordered_json;

/// So many significant digits: what a page shows, at half the size of all.
Json rounded(double value, int digits) {
  if (!std::isfinite(value)) return nullptr;
  if (value == 0) return 0;
  const double scale = std::pow(10.0, digits - 1 - static_cast<int>(std::floor(std::log10(std::abs(value)))));
  const double whole = std::round(value * scale) / scale;
  return whole == std::floor(whole) && std::abs(whole) < 1e15 ? Json(static_cast<int64_t>(whole)) : Json(whole);
}
Json rounded(const std::optional<double>& value, int digits) { return value ? rounded(*value, digits) : Json(); }

/// A value in [-1, 1] with four decimals.
Json value_of(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? Json(std::round(*value * 1e4) / 1e4) : Json();
}

/// [mean, standard error, low, high, n, undefined, chance]
Json of_estimate(const Estimate& e) {
  return {rounded(e.mean, 6), rounded(e.stderr_, 6), rounded(e.ci_low, 6), rounded(e.ci_high, 6), e.n,
          e.undefined,        rounded(e.chance, 6)};
}

Json of_parts(const LengthParts& parts) {
  return {{"through", of_estimate(parts.through)}, {"beyond", of_estimate(parts.beyond)}};
}

/// [name, Pearson's r, the parts through and beyond length, pairwise accuracy]
Json of_scores(const std::vector<ScoreSummary>& scores) {
  Json json = Json::array();
  for (const ScoreSummary& score : scores) {
    json.push_back({name_of(kScoreKinds, score.score), of_estimate(score.pearson), of_estimate(score.length.through),
                    of_estimate(score.length.beyond), of_estimate(score.pairwise_accuracy)});
  }
  return json;
}

/// What the interval generalises to, and the estimate; null where it was not asked for.
Json of_clustered(const std::optional<ClusteredEstimate>& clustered) {
  if (!clustered) return nullptr;
  return {{"by", name_of(kClusterKinds, clustered->kind)},
          {"others", cluster_generalisation(clustered->kind)},
          {"clusters", clustered->mean.clusters},
          {"effective", rounded(clustered->mean.effective, 4)},
          {"estimate", of_estimate(clustered->mean.estimate)}};
}

Json of_metrics(std::span<const Metric> all, const MetricSummary& metrics) {
  Json json;
  for (const Metric& metric : all) json[metric.name] = of_estimate(metrics.*metric.of_summary);
  return json;
}

Json of_settings(const Run& run) {
  Json settings = Json::array();
  if (!run.item_metric.empty()) {
    settings.push_back({"value", run.item_metric});
    return settings;
  }
  const EvalOptions& options = run.options;
  settings.push_back({"prompt", options.prompt});
  settings.push_back({"topics", options.topics.empty() ? "all" : join(options.topics)});
  if (options.limit) settings.push_back({"limit", std::to_string(*options.limit)});
  if (!options.where.empty()) settings.push_back({"where", join(options.where)});
  settings.push_back({"shuffle seed", options.shuffle ? std::to_string(options.shuffle_seed) : "none"});
  settings.push_back({"undefined", options.undefined == UndefinedPolicy::kZero ? "counts as chance" : "left out"});
  settings.push_back({"score", score_formula(run)});
  if (run.early_stop) settings.push_back({"until", run.early_stop->rule});
  if (run.shard) {
    settings.push_back({"shard", std::to_string(run.shard->index) + " of " + std::to_string(run.shard->count)});
  }
  for (const auto& [name, value] : run.model.settings) settings.push_back({name, value});
  return settings;
}

Json of_run(const ReportData& data, size_t i) {
  const Run& run = data.runs[i];
  const Summary& summary = data.summaries[i];
  const auto clustered = data.clustered.empty() ? std::nullopt : data.clustered[i];
  Json topics = Json::object();
  for (const TopicSummary& topic : summary.topics) topics[topic.topic] = of_metrics(data.metrics, topic.metrics);
  return {{"label", data.labels[i]},
          {"source", run.model.source},
          {"fingerprint", run.model.fingerprint},
          {"architecture", run.model.architecture},
          {"parameters", run.model.parameters},
          {"file_type", run.model.file_type},
          {"created", run.created},
          {"questions", summary.questions},
          {"undefined", summary.undefined},
          {"tokens_per_second", rounded(run.times.tokens_per_second(), 4)},
          {"micro", of_metrics(data.metrics, summary.micro)},
          {"macro", of_metrics(data.metrics, summary.macro)},
          {"length", of_parts(summary.micro_length)},
          {"scores", of_scores(summary.scores)},
          {"clustered", clustered ? of_clustered(clustered->micro) : Json()},
          {"clustered_macro", clustered ? of_clustered(clustered->macro) : Json()},
          {"topics", std::move(topics)},
          {"settings", of_settings(run)}};
}

Json of_comparison(const PairedComparison& c) {
  return {{"mean", rounded(c.difference.mean, 6)},
          {"t", {rounded(c.difference.ci_low, 6), rounded(c.difference.ci_high, 6)}},
          {"bootstrap", c.bootstrap ? Json{rounded(c.bootstrap->low, 6), rounded(c.bootstrap->high, 6)} : Json()},
          {"n", c.questions()},
          {"p", rounded(c.p, 6)},
          {"p_holm", rounded(c.p_holm, 6)},
          {"d", rounded(c.effect_size, 6)},
          {"won", c.won},
          {"tied", c.tied},
          {"lost", c.lost}};
}

/// What stands beside the value: bits per byte, of the questions that have them in every run.
Json of_bits(const Comparison& comparison, size_t pair) {
  Json bits = Json::array();
  for (const ComparedMetric& one : comparison.bits) {
    Json json = of_comparison(one.pairs[pair]);
    json["title"] = one.metric->title;
    bits.push_back(std::move(json));
  }
  return bits;
}

/// Differences by topic stand where the page's topics do.
Json of_pairs(const ReportData& data) {
  Json pairs = Json::array();
  if (!data.comparison) return pairs;
  const Comparison& comparison = *data.comparison;
  for (size_t i = 0; i < comparison.pairs.size(); ++i) {
    const ComparedPair& pair = comparison.pairs[i];
    Json topics = Json::array();
    size_t next = 0;
    for (const std::string& topic : data.topics) {
      const bool shared = next < comparison.topics.size() && comparison.topics[next] == topic;
      topics.push_back(of_comparison(shared ? pair.topics[next] : PairedComparison()));
      next += shared ? 1 : 0;
    }
    pairs.push_back({{"a", data.compared[pair.a]},
                     {"b", data.compared[pair.b]},
                     {"apart", comparison.told_apart(pair.comparison)},
                     {"not_settled", comparison.not_settled(pair.comparison)},
                     {"all", of_comparison(pair.comparison)},
                     {"clustered", of_clustered(pair.clustered)},
                     {"bits", of_bits(comparison, i)},
                     {"topics", std::move(topics)}});
  }
  return pairs;
}

/// The first characters of a text, on one line.
std::string beginning(const std::string& text) {
  constexpr int64_t kLength = 160;
  return flat(first_code_points(text, kLength));
}

Json of_values(const ReportData& data) {
  Json values;
  for (const Metric& metric : data.metrics) {
    Json by_run = Json::array();
    for (size_t i = 0; i < data.runs.size(); ++i) {
      Json column = Json::array();
      for (const QuestionRow& row : data.rows) {
        const QuestionResult* question = row.by_run[i];
        column.push_back(question == nullptr ? Json()
                         : data.of_logs      ? rounded(question->metrics.*metric.of_question, 6)
                                             : value_of(question->metrics.*metric.of_question));
      }
      by_run.push_back(std::move(column));
    }
    values[metric.name] = std::move(by_run);
  }
  return values;
}

/// The best answers by votes or by score, a bit each: what "models disagree" compares. 0 without answers.
uint64_t best_bits(const QuestionResult* question, double AnswerResult::*value) {
  uint64_t bits = 0;
  if (question == nullptr) return bits;
  for (const size_t answer : best_answers(*question, value)) {
    if (answer < 53) bits |= uint64_t{1} << answer;  // a number in JavaScript
  }
  return bits;
}

const QuestionResult* any_result(const QuestionRow& row) {
  const QuestionResult* found = nullptr;
  for (const QuestionResult* result : row.by_run) {
    if (result != nullptr && (found == nullptr || found->answers.empty())) found = result;
  }
  return found;
}

/// How often a log's item was measured, and how its values spread.
Json of_repeats(const Repeats& repeats) {
  return {{"measurements", repeats.n}, {"deviation", rounded(std::sqrt(repeats.variance), 4)}};
}

/// Ranks of all answers; null where a value is not finite.
Json of_ranks(const QuestionResult& question, double AnswerResult::*value) {
  const bool known =
      std::ranges::all_of(question.answers, [&](const AnswerResult& answer) { return std::isfinite(answer.*value); });
  return known ? Json(falling_ranks(question, value)) : Json();
}

Json of_answers(const QuestionResult& question) {
  Json json = {{"s", Json::array()}, {"l", Json::array()}, {"n", Json::array()}, {"x", Json::array()}};
  json["k"] = of_ranks(question, &AnswerResult::score);
  for (const AnswerResult& answer : question.answers) {
    json["s"].push_back(rounded(answer.score, 6));
    json["l"].push_back(rounded(answer.sum_log_prob, 8));
    json["n"].push_back(answer.n_tokens);
    json["x"].push_back(answer.n_truncated);
  }
  if (!question.problem.empty()) json["p"] = question.problem;
  return json;
}

int64_t utf16_units(std::string_view text) {
  int64_t units = 0;
  for (const char c : text) {
    if (!continues_character(c)) units += length_by_first(c) == 4 ? 2 : 1;
  }
  return units;
}

/// A log-probability, or a difference of two, in thousandths of a nat.
Json thousandths(double nats) { return std::isfinite(nats) ? Json(std::llround(1000 * nats)) : Json(); }

/// "n": UTF-16 units of each piece, "p": the difference to the reference. Empty where it can't be told.
Json of_differences(const AnswerResult& answer, const QuestionResult* reference, size_t a) {
  if (reference == nullptr || a >= reference->answers.size()) return nullptr;
  const TokenPieces pieces = token_differences(token_pieces(answer), token_pieces(reference->answers[a]));
  if (pieces.pieces.empty()) return nullptr;
  Json json = {{"n", Json::array()}, {"p", Json::array()}};
  size_t from = 0;
  for (const TokenPiece& piece : pieces.pieces) {
    json["n"].push_back(utf16_units(pieces.text.substr(from, piece.end - from)));
    json["p"].push_back(thousandths(piece.nats));
    from = piece.end;
  }
  return json;
}

/// "n": UTF-16 units of each token, "p": minus log-probability in thousandths of a nat,
/// "t": the joined text, where it is not the space and the answer as they stand.
Json of_tokens(const AnswerResult& answer, const std::string* text) {
  if (answer.token_texts.ends.empty() || answer.token_texts.ends.size() != answer.token_log_probs.size())
    return nullptr;
  Json json = {{"n", Json::array()}, {"p", Json::array()}};
  for (size_t i = 0; i < answer.token_log_probs.size(); ++i) {
    json["n"].push_back(utf16_units(answer.token_texts.part(i)));
    json["p"].push_back(thousandths(-static_cast<double>(answer.token_log_probs[i])));
  }
  if (text == nullptr || answer.token_texts.text != " " + *text) json["t"] = answer.token_texts.text;
  return json;
}

Json tokens_of_row(const QuestionRow& row) {
  Json by_run = Json::array();
  for (size_t i = 0; i < row.by_run.size(); ++i) {
    const QuestionResult* question = row.by_run[i];
    Json answers = Json::array();
    for (size_t a = 0; question != nullptr && a < question->answers.size(); ++a) {
      const bool known = row.text != nullptr && a < row.text->answers.size();
      answers.push_back(of_tokens(question->answers[a], known ? &row.text->answers[a].text : nullptr));
      Json moved = of_differences(question->answers[a], row.reference[i], a);
      if (!moved.is_null()) answers.back()["d"] = std::move(moved);
    }
    by_run.push_back(std::move(answers));
  }
  return by_run;
}

/// What a random order of the answers gets by each metric, where that is known and not 0.
Json of_chances(const ReportData& data, const QuestionRow& row) {
  Json chances = Json::object();
  const QuestionResult* any = any_result(row);
  if (any == nullptr) return chances;
  for (const Metric& metric : data.metrics) {
    const auto chance = metric.chance_for(any->metrics);
    if (chance.value_or(0) != 0) chances[metric.name] = rounded(*chance, 6);
  }
  return chances;
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string page_index(const ReportData& data) {
  const Run& first = data.runs.front();
  Json json = {{"title", data.title},
               {"dataset",
                {{"name", first.dataset_name},
                 {"fingerprint", first.dataset_fingerprint},
                 {"questions", first.dataset_questions}}},
               {"caveats", data.caveats},
               {"training", training_sentences(data.trainings, data.benchmark)},
               {"log", data.of_logs},
               {"main", data.metrics.front().name},
               {"value", data.value_name},
               {"part", kQuestionsAPart},
               {"topics", data.topics},
               {"metrics", Json::array()},
               {"runs", Json::array()},
               {"tokens", Json::array()},
               {"references", Json::array()},
               {"pairs", of_pairs(data)},
               {"questions", {{"id", Json::array()}, {"topic", Json::array()}, {"text", Json::array()}}},
               {"values", of_values(data)},
               {"people", Json::array()},
               {"best", Json::array()}};
  for (const Metric& metric : data.metrics) {
    json["metrics"].push_back({{"name", metric.name}, {"title", data.of_logs ? data.value_name : metric.title}});
  }
  for (size_t i = 0; i < data.runs.size(); ++i) {
    json["runs"].push_back(of_run(data, i));
    json["tokens"].push_back(has_token_texts(data.runs[i]));
    const bool moved = data.references[i] && has_token_texts(*data.references[i]) && has_token_texts(data.runs[i]);
    json["references"].push_back(moved ? Json(data.references[i]->model.name) : Json());
    Json best = Json::array();
    for (const QuestionRow& row : data.rows) best.push_back(best_bits(row.by_run[i], &AnswerResult::score));
    json["best"].push_back(std::move(best));
  }
  for (const QuestionRow& row : data.rows) json["people"].push_back(best_bits(any_result(row), &AnswerResult::votes));
  Json& questions = json["questions"];
  size_t topic = 0;
  for (const QuestionRow& row : data.rows) {
    while (data.topics[topic] != row.topic) ++topic;
    questions["id"].push_back(row.id);
    questions["topic"].push_back(topic);
    questions["text"].push_back(row.text != nullptr ? beginning(row.text->text) : "");
  }
  return dump(json);
}

std::string page_questions(const ReportData& data, size_t from) {
  Json part = Json::array();
  for (size_t i = from; i < std::min(from + kQuestionsAPart, data.rows.size()); ++i) {
    const QuestionRow& row = data.rows[i];
    Json question = {{"q", row.text != nullptr ? Json(row.text->text) : Json()},
                     {"a", Json::array()},
                     {"v", Json::array()},
                     {"k", Json()},
                     {"c", Json::array()},
                     {"r", Json::array()},
                     {"chance", of_chances(data, row)}};
    if (row.text != nullptr) {
      for (const Answer& answer : row.text->answers) question["a"].push_back(answer.text);
    }
    QuestionResult texts;  // what people saw, where no run has it
    const QuestionResult* people = any_result(row);
    if (people == nullptr || people->answers.empty()) {
      people = &texts;
      for (size_t a = 0; row.text != nullptr && a < row.text->answers.size(); ++a) {
        texts.answers.emplace_back().votes = row.text->answers[a].votes;
        texts.answers.back().n_chars = count_code_points(row.text->answers[a].text);
      }
    }
    question["k"] = of_ranks(*people, &AnswerResult::votes);
    for (const AnswerResult& answer : people->answers) {
      question["v"].push_back(rounded(answer.votes, 15));
      question["c"].push_back(answer.n_chars + answer.n_cut_chars);
    }
    for (const QuestionResult* result : row.by_run) {
      question["r"].push_back(result == nullptr ? Json()
                              : data.of_logs    ? of_repeats(result->repeats)
                                                : of_answers(*result));
    }
    part.push_back(std::move(question));
  }
  return dump(part);
}

std::string page_tokens(const ReportData& data, size_t from) {
  if (std::none_of(data.runs.begin(), data.runs.end(), has_token_texts)) return "";
  Json part = Json::array();
  for (size_t i = from; i < std::min(from + kQuestionsAPart, data.rows.size()); ++i)
    part.push_back(tokens_of_row(data.rows[i]));
  return dump(part);
}

}  // namespace hre
