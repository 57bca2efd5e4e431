#include "eval/where.h"

#include <algorithm>

#include "analysis/question_metrics.h"
#include "core/question_name.h"
#include "core/text.h"
#include "data/where.h"

namespace hre {
namespace {

using data::Condition;
using data::Metadata;
using data::QuestionFacts;

QuestionFacts facts_of(const QuestionResult& question) {
  QuestionFacts facts{question.topic, question.id, {}, {}, {}, nullptr};
  if (question.answers.empty()) return facts;
  facts.answers = static_cast<double>(question.answers.size());
  double length = 0;
  for (const AnswerResult& answer : question.answers) {
    length += static_cast<double>(answer.n_chars + answer.n_cut_chars);
    facts.votes = std::max(facts.votes.value_or(answer.votes), answer.votes);
  }
  facts.length = length / *facts.answers;
  return facts;
}

Result<std::vector<Condition>> parse_all(const std::vector<std::string>& where) {
  std::vector<Condition> conditions;
  for (const std::string& text : where) {
    auto condition = Condition::parse(text);
    if (!condition) return forward(condition);
    conditions.push_back(std::move(*condition));
  }
  return conditions;
}

template <class Question>
Status check_votes(const Metadata& metadata, std::span<const Question> questions) {
  for (const Question& question : questions) {
    const auto found = metadata.find({question.topic, question.id});
    if (found == metadata.end() || question.answers.empty()) continue;
    std::vector<double> votes;
    for (const auto& answer : question.answers) votes.push_back(answer.votes);
    if (auto ok = data::check_metadata(found->second, question_name(question.topic, question.id), votes); !ok)
      return ok;
  }
  return {};
}

template <class Question, class Facts>
Status keep_where(const std::vector<std::string>& where, const std::string& named, const std::string& source,
                  std::vector<Question>& questions, Facts facts_of_question) {
  auto conditions = parse_all(where);
  if (!conditions) return forward(conditions);
  Metadata metadata;
  if (std::ranges::any_of(*conditions, [](const Condition& c) { return c.needs_metadata(); })) {
    auto loaded = metadata_of(named, source);
    if (!loaded) return forward(loaded);
    if (loaded->empty()) {
      return input_error("conditions on dates and tags need a dataset's metadata, and " + source + " has none",
                         "‹where›", "name the file with ‹metadata›");
    }
    metadata = std::move(*loaded);
  }
  if (auto ok = check_votes<Question>(metadata, questions); !ok) return ok;
  std::erase_if(questions, [&](const Question& question) {
    QuestionFacts facts = facts_of_question(question);
    const auto found = metadata.find({facts.topic, facts.id});
    if (found != metadata.end()) facts.metadata = &found->second;
    return !std::ranges::all_of(*conditions, [&](const Condition& c) { return c.holds(facts); });
  });
  if (questions.empty()) return input_error("no question meets the conditions " + join(where), "‹where›");
  return {};
}

}  // namespace

Result<Metadata> metadata_of(const std::string& named, const std::string& dataset_source) {
  if (!named.empty()) return data::load_metadata(named);
  const auto found = data::find_metadata(dataset_source);
  return found ? data::load_metadata(*found) : Metadata();
}

Status check_metadata(const Metadata& metadata, std::span<const Question> questions) {
  return check_votes(metadata, questions);
}
Status check_metadata(const Metadata& metadata, std::span<const QuestionResult> questions) {
  return check_votes(metadata, questions);
}

void add_dates(Run& run) {
  if (!run.item_metric.empty() || !data::find_metadata(run.dataset_source)) return;
  std::vector<Question> questions;
  for (const QuestionResult& question : run.questions) {
    Question& plain = questions.emplace_back(Question{question.id, question.topic, {}, {}});
    for (const AnswerResult& answer : question.answers) plain.answers.push_back({{}, answer.votes});
  }
  data::add_dates(run.dataset_source, questions);
  for (size_t i = 0; i < questions.size(); ++i) {
    QuestionResult& question = run.questions[i];
    for (size_t k = 0; k < question.answers.size(); ++k) question.answers[k].posted = questions[i].answers[k].posted;
    if (question.problem.empty()) add_dated_metrics(question.answers, question.metrics);
  }
}

Status keep_questions_where(const std::vector<std::string>& where, const std::string& metadata, Run& run) {
  return keep_where(where, metadata, run.dataset_source, run.questions,
                    [](const QuestionResult& question) { return facts_of(question); });
}

Status keep_questions_where(const std::vector<std::string>& where, const std::string& metadata, Dataset& dataset) {
  return keep_where(where, metadata, dataset.source, dataset.questions,
                    [](const Question& question) { return data::facts_of(question); });
}

}  // namespace hre
