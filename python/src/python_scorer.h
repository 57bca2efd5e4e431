#pragma once
/// A model that is a Python object. With a tokenizer of its own, hre plans what is shared, and score_plans([(prefix,
/// [(tail, targets)])]) gives for each question a list with the targets' log-probabilities of each answer (of an
/// encoder-decoder, the prefix is the encoder's text, and tails are all of the decoder's); without,
/// score_questions([(context, [continuation])]) does. python/hre/_model.py makes any model one of these.

#include <nanobind/nanobind.h>

#include <exception>
#include <optional>
#include <vector>

#include "hre/scorer.h"
#include "model/token_plan.h"

namespace hre::python {

namespace nb = nanobind;

/// Texts to tokens by a Python object's encode(texts), which gives a list of lists of ints, or of None for what its
/// vocabulary can't express. The GIL is taken.
class PythonTokenizer {
 public:
  PythonTokenizer(nb::object model, PlanRules rules, std::optional<EncoderDecoderRules> encoder);

  /// The question's texts go to the tokenizer in one call.
  [[nodiscard]] Result<QuestionPlan> plan(const ScoringRequest& request) const;
  [[nodiscard]] bool has_encoder() const { return encoder_.has_value(); }

 private:
  using Tokens = std::optional<std::vector<Token>>;
  [[nodiscard]] Result<std::vector<Tokens>> encode(const std::vector<std::string>& texts) const;

  nb::object model_;
  PlanRules rules_;
  std::optional<EncoderDecoderRules> encoder_;
};

class PythonScorer final : public Scorer {
 public:
  /// `batch`: questions that the model is given at once. `rules`: it works on tokens.
  PythonScorer(nb::object model, ModelDescription description, size_t batch, std::optional<PlanRules> rules,
               std::optional<EncoderDecoderRules> encoder);

  [[nodiscard]] const ModelDescription& describe() const override { return description_; }
  Result<QuestionPlan> plan(ScoringRequest request) const override;
  /// Questions of like length are padded least.
  [[nodiscard]] bool wants_longest_first() const override { return tokenizer_.has_value(); }
  Status score(PlanSource& source, const ScoreSink& sink, std::stop_token stop) override;

  /// What the model raised, to be raised again as it was.
  [[nodiscard]] std::exception_ptr raised() const { return raised_; }
  void forget() { raised_ = nullptr; }

 private:
  [[nodiscard]] nb::object ask(const PlanSource& source, const std::vector<size_t>& batch) const;
  Result<std::vector<QuestionScore>> score_batch(const PlanSource& source, const std::vector<size_t>& batch);

  nb::object model_;
  ModelDescription description_;
  size_t batch_;
  std::optional<PythonTokenizer> tokenizer_;
  std::exception_ptr raised_;
};

}  // namespace hre::python
