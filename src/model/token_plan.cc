#include "model/token_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"

namespace hre {
namespace {

/// One answer's sequence before the shared prefix is taken out.
struct Sequence {
  std::vector<Token> fed;      // the tokens fed to the model
  std::vector<Token> targets;  // the tokens whose log-probabilities are wanted
  int n_truncated = 0;
  int n_cut_chars = 0;
};

/// A text that can't be expressed is the text's own problem; a tokenizer that can't be asked fails the call.
bool is_of_text(const Error& error) { return error.code == ErrorCode::kInput; }

QuestionPlan skipped(std::string why) {
  QuestionPlan plan;
  plan.skipped = std::move(why);
  return plan;
}

Result<QuestionPlan> skipped_for(const Error& error, const std::string& before = "") {
  if (!is_of_text(error)) return tl::unexpected<Error>(error);
  return skipped(before + error.message);
}

class Planner {
 public:
  Planner(const ScoringRequest& request, const Encode& encode, const PlanRules& rules)
      : request_(request), encode_(encode), rules_(rules) {}

  Result<QuestionPlan> plan() {
    auto context = encode_with_bos(request_.context);
    if (!context) return skipped_for(context.error());
    n_context_ = context->size();
    std::vector<Sequence> sequences;
    for (const std::string& continuation : request_.continuations) {
      auto whole = encode_with_bos(request_.context + continuation);
      if (!whole) return skipped_for(whole.error(), fmt::format("answer {}: ", sequences.size() + 1));
      if (whole->size() <= n_context_) return skipped(fmt::format("answer {} has no tokens", sequences.size() + 1));
      int n_cut_chars = 0;
      if (n_targets(*whole) > rules_.max_length) {
        const std::string problem = fmt::format("answer {} has {} tokens, more than the maximum length of {}",
                                                sequences.size() + 1, n_targets(*whole), rules_.max_length);
        if (rules_.long_answers == LongAnswers::kSkip) return skipped(problem);
        if (rules_.long_answers == LongAnswers::kError) {
          return input_error(problem, "", "‹long_answers› truncate cuts such answers, skip leaves their questions out");
        }
        auto cut = cut_to_fit(continuation, *whole);
        if (!cut) return forward(cut);
        n_cut_chars = *cut;
        if (n_targets(*whole) <= 0) return skipped(problem);
      }
      if (n_context_ == 0) {
        return input_error("the context has no tokens, so nothing predicts an answer's first token", "",
                           "put text before {answer} in the prompt, or use ‹bos› always");
      }
      sequences.push_back(cut_left(*whole));
      sequences.back().n_cut_chars = n_cut_chars;
    }
    return share_prefix(std::move(sequences));
  }

 private:
  Result<std::vector<Token>> encode_with_bos(std::string_view text) const {
    auto tokens = encode_(text);
    const bool has_it = tokens && !tokens->empty() && tokens->front() == rules_.bos;
    if (tokens && rules_.bos && !has_it) tokens->insert(tokens->begin(), *rules_.bos);
    return tokens;
  }

  int n_targets(const std::vector<Token>& whole) const {
    return static_cast<int>(whole.size()) - static_cast<int>(n_context_);
  }

  /// Replaces `whole` by the encoding with the longest beginning of the continuation that fits. Returns the number of
  /// code points cut off.
  Result<int> cut_to_fit(const std::string& continuation, std::vector<Token>& whole) const {
    const int64_t n_chars = count_code_points(continuation);
    int64_t fits = 0, too_long = n_chars;  // longer text never has fewer tokens, except by merges at its very end
    while (too_long - fits > 1) {
      const int64_t middle = fits + (too_long - fits) / 2;
      auto tokens = encode_with_bos(request_.context + std::string(first_code_points(continuation, middle)));
      if (!tokens && !is_of_text(tokens.error())) return forward(tokens);
      const bool small = tokens && n_targets(*tokens) <= rules_.max_length;
      (small ? fits : too_long) = middle;
    }
    auto cut = encode_with_bos(request_.context + std::string(first_code_points(continuation, fits)));
    if (!cut && !is_of_text(cut.error())) return forward(cut);
    if (cut) whole = std::move(*cut);
    return static_cast<int>(n_chars - fits);
  }

  /// whole[-(max_length + 1):][:-1]
  Sequence cut_left(const std::vector<Token>& whole) const {
    const size_t n_kept = std::min(whole.size(), static_cast<size_t>(rules_.max_length) + 1);
    Sequence sequence;
    sequence.fed.assign(whole.end() - static_cast<ptrdiff_t>(n_kept), whole.end() - 1);
    sequence.targets.assign(whole.begin() + static_cast<ptrdiff_t>(n_context_), whole.end());
    sequence.n_truncated = static_cast<int>(whole.size() - n_kept);
    return sequence;
  }

  Result<QuestionPlan> share_prefix(std::vector<Sequence> sequences) const {
    QuestionPlan plan;
    plan.n_context = static_cast<int>(n_context_);
    if (sequences.empty()) return plan;
    const std::vector<Token>& first = sequences.front().fed;
    size_t n_shared = first.size();
    for (const Sequence& sequence : sequences) {
      const auto [a, b] = std::mismatch(first.begin(), first.begin() + static_cast<ptrdiff_t>(n_shared),
                                        sequence.fed.begin(), sequence.fed.end());
      n_shared = static_cast<size_t>(a - first.begin());
    }
    plan.prefix.assign(first.begin(), first.begin() + static_cast<ptrdiff_t>(n_shared));
    for (Sequence& sequence : sequences) {
      sequence.fed.erase(sequence.fed.begin(), sequence.fed.begin() + static_cast<ptrdiff_t>(n_shared));
      sequence.fed.shrink_to_fit();
      plan.answers.push_back(
          {std::move(sequence.fed), std::move(sequence.targets), sequence.n_truncated, sequence.n_cut_chars});
    }
    return plan;
  }

  const ScoringRequest& request_;
  const Encode& encode_;
  const PlanRules& rules_;
  size_t n_context_ = 0;
};

}  // namespace

int64_t QuestionPlan::positions() const {
  if (!shares_prefix) return positions_unshared();
  auto total = static_cast<int64_t>(prefix.size());
  for (const AnswerPlan& answer : answers) total += static_cast<int64_t>(answer.tail.size());
  return total;
}

int64_t QuestionPlan::positions_unshared() const {
  int64_t total = 0;
  for (const AnswerPlan& answer : answers) total += static_cast<int64_t>(prefix.size() + answer.tail.size());
  return total;
}

Result<QuestionPlan> plan_question(const ScoringRequest& request, const Encode& encode, const PlanRules& rules) {
  return Planner(request, encode, rules).plan();
}

Result<QuestionPlan> plan_encoder_decoder(const ScoringRequest& request, const Encode& encode, const PlanRules& rules,
                                          const EncoderDecoderRules& tokens) {
  auto source = encode(request.context);
  if (!source) return skipped_for(source.error());
  // For the decoder, its start token is the whole context.
  const Encode after_start = [&](std::string_view text) -> Result<std::vector<Token>> {
    auto all = text.empty() ? Result<std::vector<Token>>() : encode(text);
    if (all) all->insert(all->begin(), tokens.start);
    return all;
  };
  auto planned = plan_question({"", request.continuations}, after_start,
                               {.max_length = rules.max_length, .bos = {}, .long_answers = rules.long_answers});
  if (!planned || !planned->skipped.empty()) return planned;
  if (tokens.source_end) source->push_back(*tokens.source_end);
  const auto n_cut = static_cast<int>(source->size()) - std::min(static_cast<int>(source->size()), rules.max_length);
  planned->n_context = static_cast<int>(source->size()) - n_cut;
  planned->prefix.insert(planned->prefix.begin(), source->begin() + n_cut, source->end());
  for (AnswerPlan& answer : planned->answers) answer.n_truncated += n_cut;
  return planned;
}

}  // namespace hre
