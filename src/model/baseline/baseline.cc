#include "model/baseline/baseline.h"

#include <zstd.h>

#include <functional>
#include <numbers>

#include "core/text.h"

namespace hre {
namespace {

/// Scores each answer by a number computed from the context's text and its own.
using Rule = std::function<Result<double>(const std::string& context, const std::string& continuation)>;

class Baseline final : public Scorer {
 public:
  Baseline(ModelDescription description, Rule rule) : description_(std::move(description)), rule_(std::move(rule)) {}

  const ModelDescription& describe() const override { return description_; }

  Result<QuestionPlan> plan(ScoringRequest request) const override {
    QuestionPlan plan;
    plan.answers.resize(request.continuations.size());
    plan.text = std::move(request);
    return plan;
  }

  Status score(PlanSource& source, const ScoreSink& sink, std::stop_token stop) override {
    while (const auto i = wait_for_next(source, stop)) {
      const ScoringRequest& text = source.plans()[*i].text;
      QuestionScore score;
      for (const std::string& continuation : text.continuations) {
        auto value = rule_(text.context, continuation);
        if (!value) return forward(value);
        score.answers.push_back({{static_cast<float>(*value)}});
      }
      if (!sink(*i, std::move(score))) break;
    }
    return {};
  }

 private:
  ModelDescription description_;
  Rule rule_;
};

constexpr int kZstdLevel = 19;

Result<double> compressed_bytes(const std::string& text) {
  std::string buffer(ZSTD_compressBound(text.size()), '\0');
  const size_t n = ZSTD_compress(buffer.data(), buffer.size(), text.data(), text.size(), kZstdLevel);
  if (ZSTD_isError(n)) return fail(ErrorCode::kFailed, std::string("zstd: ") + ZSTD_getErrorName(n));
  return static_cast<double>(n);
}

Result<double> zstd_log_likelihood(const std::string& context, const std::string& continuation) {
  auto before = compressed_bytes(context);
  if (!before) return before;
  auto after = compressed_bytes(context + continuation);
  if (!after) return after;
  return -std::numbers::ln2 * 8 * (*after - *before);
}

/// Continuations begin with the space that separates them from the prompt; it is not part of the answer.
Result<double> length_of(const std::string&, const std::string& continuation) {
  return static_cast<double>(count_code_points(continuation) - (continuation.starts_with(' ') ? 1 : 0));
}

}  // namespace

std::unique_ptr<Scorer> open_length_baseline() {
  ModelDescription description;
  description.name = description.source = "baseline:length";
  description.architecture = "baseline";
  description.normalise_by_characters = false;
  return std::make_unique<Baseline>(std::move(description), length_of);
}

std::unique_ptr<Scorer> open_zstd_baseline() {
  ModelDescription description;
  description.name = description.source = "baseline:zstd";
  description.architecture = "baseline";
  description.settings = {{"engine", std::string("zstd ") + ZSTD_versionString()},
                          {"level", std::to_string(kZstdLevel)}};
  return std::make_unique<Baseline>(std::move(description), zstd_log_likelihood);
}

}  // namespace hre
