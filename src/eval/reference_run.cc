#include "eval/reference_run.h"

#include <filesystem>
#include <map>

#include "analysis/question_metrics.h"
#include "core/dates.h"
#include "core/question_name.h"
#include "core/text.h"
#include "eval/prompt.h"
#include "store/reference_cache.h"

namespace hre {
namespace {

ModelDescription describe(const std::string& path, const std::string& name) {
  ModelDescription model;
  model.name = name.empty() ? std::filesystem::path(path).stem().string() : name;
  model.source = path;
  model.architecture = "unknown";
  model.settings = {{"engine", "reference implementation, from its cache"}};
  return model;
}

/// Nothing where an answer is missing.
std::optional<QuestionResult> result_of(const Question& question, const std::vector<std::optional<double>>& values) {
  QuestionResult result{question.id, question.topic, {}, {}, {}};
  for (size_t i = 0; i < question.answers.size(); ++i) {
    if (!values[i]) return std::nullopt;
    AnswerResult& answer = result.answers.emplace_back();
    answer.votes = question.answers[i].votes;
    answer.posted = question.answers[i].posted;
    answer.n_chars = count_code_points(question.answers[i].text);
    answer.n_bytes = static_cast<int64_t>(question.answers[i].text.size());
    answer.sum_log_prob = *values[i];
  }
  complete_question(result, true);
  return result;
}

}  // namespace

Result<Run> run_of_reference_cache(const Dataset& dataset, const std::string& path, const std::string& model_name) {
  auto cache = store::ReferenceCache::open(path);
  if (!cache) return forward(cache);
  Run run;
  auto prompt = PromptTemplate::parse(run.options.prompt);
  if (!prompt) return forward(prompt);
  for (const Question& question : dataset.questions) {
    auto values = cache->find(prompt->render(question));
    if (!values) return forward(values);
    if (auto result = result_of(question, *values)) run.questions.push_back(std::move(*result));
  }
  if (run.questions.empty()) {
    return input_error("holds no question of " + dataset.name, path, "‹data› is the dataset that it was made with");
  }
  run.model = describe(path, model_name);
  run.dataset_name = dataset.name;
  run.dataset_source = dataset.source;
  run.dataset_fingerprint = dataset.fingerprint;
  run.dataset_questions = run.planned = static_cast<int64_t>(dataset.questions.size());
  run.options.shuffle = false;
  run.created = utc_now();
  return run;
}

Status write_run_as_reference_cache(const Run& run, const Dataset& dataset, const std::string& path) {
  auto prompt = PromptTemplate::parse(run.options.prompt);
  if (!prompt) return forward(prompt);
  std::map<std::pair<std::string, std::string>, const Question*> questions;
  for (const Question& question : dataset.questions) questions[{question.topic, question.id}] = &question;
  std::vector<store::ReferenceEntry> entries;
  for (const QuestionResult& result : run.questions) {
    if (result.answers.empty()) continue;
    const auto at = questions.find({result.topic, result.id});
    if (at == questions.end() || at->second->answers.size() != result.answers.size()) {
      return input_error("question " + question_name(result.topic, result.id) + " of the run is not in the dataset",
                         dataset.source, "‹data› is the dataset of the run");
    }
    store::ReferenceEntry& entry = entries.emplace_back();
    entry.request = prompt->render(*at->second);
    for (const AnswerResult& answer : result.answers) entry.values.push_back(answer.sum_log_prob);
  }
  return store::write_reference_cache(path, entries);
}

}  // namespace hre
