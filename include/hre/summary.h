#pragma once
/// A run's values: the means of its questions' metrics, by topic and over all.
///
/// An example, which the tests run:
///
///   std::vector<hre::QuestionResult> questions = {{"c/000000", "c", {}, {}, ""}, {"c/000001", "c", {}, {}, ""}};
///   questions[0].metrics.pearson = 0.5;
///   questions[1].metrics.pearson = -0.1;
///   const hre::Summary summary = hre::summarize(questions);
///   std::printf("%.1f\n", *summary.micro.pearson.mean);  // prints: 0.2

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hre/estimate.h"
#include "hre/run.h"

namespace hre {

/// Of each of a question's metrics.
struct MetricSummary {
  Estimate pearson, spearman, kendall, pairwise_accuracy, top_one, ndcg, pearson_log, pearson_ranks, margin,
      length_only;
  Estimate bits_per_byte, bits_best, bits_worst, bits_gap;
  Estimate later_wins, earlier_wins;  ///< where dates are known
  Estimate item;                      ///< of logs of other harnesses, which have no other
};

/// Pearson's r as two parts that add up to it: through the answers' length, and beyond (stats/confound.h), over the
/// same questions.
struct LengthParts {
  Estimate value, through, beyond;
  std::optional<double> share;                  ///< through / value; nothing where the value can't be told from 0
  std::optional<double> share_low, share_high;  ///< 95 %
};

/// The micro means by one score of the answers.
struct ScoreSummary {
  ScoreKind score = ScoreKind::kPerChar;
  Estimate pearson, pairwise_accuracy;
  LengthParts length;
};

struct TopicSummary {
  std::string topic;
  int64_t questions = 0;
  int64_t undefined = 0;  ///< questions without a Pearson correlation; of logs, items without a value
  MetricSummary metrics;
};

struct Summary {
  std::vector<TopicSummary> topics;  ///< by name
  MetricSummary micro;               ///< over all questions
  MetricSummary macro;               ///< the mean of the topics' means, each topic weighing the same
  int64_t questions = 0;
  int64_t undefined = 0;
  LengthParts micro_length, macro_length;
  std::vector<ScoreSummary> scores;  ///< by every score; empty where only questions were summarised
  int draws = 0;                     ///< of the bootstrap; 0: none was made
  uint64_t seed = 0;                 ///< of the bootstrap
};

struct SummaryOptions {
  UndefinedPolicy undefined = UndefinedPolicy::kLeaveOut;
  int draws = 10000;  ///< of the bootstrap of micro means; 0: none
  uint64_t seed = 42;
  int threads = 0;  ///< 0: all cores; their number changes nothing
};

/// Topic, micro and macro means of every metric. The micro mean's error is that of a simple sample of
/// questions; the macro mean's is sqrt(sum se_t^2) / T over T topics, with Welch-Satterthwaite degrees of
/// freedom. A question that could not be scored counts as undefined.
Summary summarize(const std::vector<QuestionResult>& questions, const SummaryOptions& options = {});

/// Of all of a run's questions, under its own policy for undefined ones, and by every score.
Summary summarize(const Run& run);

}  // namespace hre
