#pragma once
/// Families of models: does the value separate pretrained models from tuned ones, at any size, and does it go with
/// outside judgements? What `hre study` shows.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/comparison.h"
#include "core/named.h"
#include "hre/run.h"
#include "stats/agreement.h"
#include "stats/least_squares.h"
#include "stats/power.h"

namespace hre {

enum class Stage { kPretrained, kTuned, kPreference };

/// In their order.
inline constexpr Named<Stage> kStages[] = {
    {"pretrained", Stage::kPretrained}, {"tuned", Stage::kTuned}, {"preference", Stage::kPreference}};

/// What is said of a run.
struct StudyMember {
  std::string name;    ///< of the model, as shown
  std::string family;  ///< "Pythia"
  double size = 0;     ///< parameters; 0: as many as the run's model has
  Stage stage = Stage::kPretrained;
};

/// An outside judgement: a value for each run, or nothing.
struct Judgement {
  std::string name;
  ModelValues values;
};

struct StudyOptions {
  CompareOptions compare;
  TestLevels levels;
  AgreementOptions agreement;
};

/// A later stage against an earlier one of the same family and size. Differences are later - earlier.
struct StagePair {
  std::string family;
  double size = 0;
  size_t earlier = 0, later = 0;          ///< runs, by position
  PairedComparison comparison;            ///< p adjusted by Holm over the pairs of these stages
  std::vector<DetectionPoint> detection;  ///< of the difference seen, with its interval
  QuestionsForEffect questions_80;        ///< that find it with the power asked for, where the later stage is better
};

struct Separation {
  Stage earlier = Stage::kPretrained, later = Stage::kTuned;
  std::vector<StagePair> pairs;            ///< by family and size
  std::optional<PairedComparison> pooled;  ///< the mean of the pairs' later runs against that of the earlier ones
  std::vector<DetectionPoint> detection;   ///< of the pooled difference
  QuestionsForEffect questions_80;
  int64_t families = 0;    ///< among the pairs: the units of anything said of other models
  std::optional<Auc> auc;  ///< of the values of all runs of the two stages, paired or not
};

/// A judgement against the runs' values.
struct JudgedAgreement {
  std::string judgement;
  CorrelationKind kind = CorrelationKind::kPearson;
  Agreement agreement;
  std::optional<size_t> most_influential;  ///< run, by position
  std::optional<LeastSquares> line;        ///< of the runs' values on the judgement; with Pearson's r
};

struct Study {
  StudyOptions options;
  std::vector<StudyMember> members;
  std::string benchmark;          ///< benchmark_name
  std::vector<ComparedRun> runs;  ///< as members; values over the questions that all runs share
  UndefinedPolicy undefined_policy = UndefinedPolicy::kLeaveOut;
  std::vector<RunDifference> differences;
  std::vector<std::string> notes;
  std::vector<std::string> topics;
  std::vector<size_t> sizes;
  int64_t shared = 0, undefined = 0, different = 0;
  std::vector<std::vector<std::optional<double>>> topic_values;  ///< [runs x topics] means
  std::vector<Separation> separations;                           ///< of each two stages that the study has
  std::vector<Judgement> judgements;
  std::vector<JudgedAgreement> agreements;  ///< judgement after judgement, each by Pearson, Spearman, Kendall
  std::vector<std::string> columns;         ///< of the matrices: the value, then the judgements
  std::vector<std::pair<CorrelationKind, std::vector<std::vector<MatrixCell>>>> matrices;
};

/// Whether two sizes are of one model: they differ by at most 2 %, as by a tokenizer's added tokens.
bool same_size(double a, double b);

/// Runs, and what is said of each. Sizes of one family that are the same but for 2 % become the first one's. Input
/// errors where the runs share no question, were not made alike, where a size is not known, or two are of the same
/// family, size and stage.
Result<Study> make_study(std::span<const Run* const> runs, std::vector<StudyMember> members,
                         std::vector<Judgement> judgements, const StudyOptions& options);

}  // namespace hre
