#include "python_scorer.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <map>

namespace hre::python {
namespace {

nb::str python_text(const std::string& text) { return nb::str(text.c_str(), text.size()); }

std::optional<size_t> next_of(PlanSource& source) {
  const NextPlan next = source.next();
  return next.kind == NextPlan::Kind::kQuestion ? std::optional(next.index) : std::nullopt;
}

}  // namespace

PythonTokenizer::PythonTokenizer(nb::object model, PlanRules rules, std::optional<EncoderDecoderRules> encoder)
    : model_(std::move(model)), rules_(rules), encoder_(encoder) {}

Result<QuestionPlan> PythonTokenizer::plan(const ScoringRequest& request) const {
  std::vector<std::string> texts = {request.context};
  for (const std::string& continuation : request.continuations)
    texts.push_back(encoder_ ? continuation : request.context + continuation);
  auto all = encode(texts);
  if (!all) return forward(all);
  std::map<std::string, Tokens, std::less<>> known;
  for (size_t i = 0; i < texts.size(); ++i) known.emplace(std::move(texts[i]), std::move((*all)[i]));
  const Encode by_text = [&](std::string_view text) -> Result<std::vector<Token>> {
    auto found = known.find(text);
    if (found == known.end()) {
      auto one = encode({std::string(text)});
      if (!one) return forward(one);
      found = known.emplace(text, std::move(one->front())).first;
    }
    if (!found->second) return input_error("the model's vocabulary can't express the text");
    return *found->second;
  };
  return encoder_ ? plan_encoder_decoder(request, by_text, rules_, *encoder_) : plan_question(request, by_text, rules_);
}

Result<std::vector<PythonTokenizer::Tokens>> PythonTokenizer::encode(const std::vector<std::string>& texts) const {
  const nb::gil_scoped_acquire acquire;
  try {
    nb::list list;
    for (const std::string& text : texts) list.append(python_text(text));
    return nb::cast<std::vector<Tokens>>(model_.attr("encode")(list));
  } catch (const std::exception& problem) {
    return fail(ErrorCode::kFailed, std::string("the model's tokenizer failed: ") + problem.what());
  }
}

PythonScorer::PythonScorer(nb::object model, ModelDescription description, size_t batch, std::optional<PlanRules> rules,
                           std::optional<EncoderDecoderRules> encoder)
    : model_(std::move(model)), description_(std::move(description)), batch_(std::max<size_t>(1, batch)) {
  if (rules) tokenizer_.emplace(model_, *rules, encoder);
}

Result<QuestionPlan> PythonScorer::plan(ScoringRequest request) const {
  if (tokenizer_) return tokenizer_->plan(request);
  QuestionPlan plan;
  plan.answers.resize(request.continuations.size());
  plan.text = std::move(request);
  return plan;
}

Status PythonScorer::score(PlanSource& source, const ScoreSink& sink, std::stop_token stop) {
  for (;;) {
    std::vector<size_t> batch;
    while (batch.size() < batch_) {
      const auto next = batch.empty() ? wait_for_next(source, stop) : next_of(source);
      if (!next) break;
      batch.push_back(*next);
    }
    if (batch.empty()) return {};
    auto scores = score_batch(source, batch);
    if (!scores) return forward(scores);
    for (size_t i = 0; i < batch.size(); ++i) {
      if (!sink(batch[i], std::move((*scores)[i]))) return {};
    }
    if (stop.stop_requested()) return {};
  }
}

nb::object PythonScorer::ask(const PlanSource& source, const std::vector<size_t>& batch) const {
  nb::list questions;
  for (const size_t i : batch) {
    const QuestionPlan& plan = source.plans()[i];
    nb::list answers;
    if (tokenizer_) {
      const auto decoded = plan.prefix.begin() + (tokenizer_->has_encoder() ? plan.n_context : plan.prefix.size());
      const std::vector<Token> prefix(plan.prefix.begin(), decoded);
      for (const AnswerPlan& answer : plan.answers) {
        std::vector<Token> tail(decoded, plan.prefix.end());
        tail.insert(tail.end(), answer.tail.begin(), answer.tail.end());
        answers.append(nb::make_tuple(tail, answer.targets));
      }
      questions.append(nb::make_tuple(prefix, answers));
    } else {
      for (const std::string& continuation : plan.text.continuations) answers.append(python_text(continuation));
      questions.append(nb::make_tuple(python_text(plan.text.context), answers));
    }
  }
  return model_.attr(tokenizer_ ? "score_plans" : "score_questions")(questions);
}

Result<std::vector<QuestionScore>> PythonScorer::score_batch(const PlanSource& source,
                                                             const std::vector<size_t>& batch) {
  const nb::gil_scoped_acquire acquire;
  try {
    const nb::object answers = ask(source, batch);
    std::vector<QuestionScore> scores;
    for (size_t i = 0; i < batch.size(); ++i) {
      const QuestionPlan& plan = source.plans()[batch[i]];
      QuestionScore& score = scores.emplace_back();
      for (nb::handle values : nb::object(answers[i])) {
        AnswerScore& answer = score.answers.emplace_back();
        answer.token_log_probs = nb::cast<std::vector<float>>(values);
        answer.n_tokens = static_cast<int>(answer.token_log_probs.size());
        const size_t a = score.answers.size() - 1;
        if (tokenizer_ && a < plan.answers.size() && plan.answers[a].targets.size() != answer.token_log_probs.size()) {
          return fail(ErrorCode::kFailed, "it gave a question other numbers of log-probabilities than of tokens",
                      description_.name);
        }
      }
      if (score.answers.size() != plan.answers.size()) {
        return fail(ErrorCode::kFailed, "it gave a question other numbers of results than of answers",
                    description_.name);
      }
    }
    return scores;
  } catch (nb::python_error&) {
    raised_ = std::current_exception();
    return fail(ErrorCode::kFailed, "the model raised an exception", description_.name);
  } catch (const std::exception& problem) {
    return fail(ErrorCode::kFailed, std::string("its values are no lists of numbers: ") + problem.what(),
                description_.name);
  }
}

}  // namespace hre::python
