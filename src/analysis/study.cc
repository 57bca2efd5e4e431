#include "analysis/study.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "analysis/scores.h"
#include "stats/estimate.h"
#include "stats/permutation.h"

namespace hre {
namespace {

constexpr std::array kKinds = {CorrelationKind::kPearson, CorrelationKind::kSpearman, CorrelationKind::kKendall};

using Place = std::pair<std::string, double>;  // family, size

std::map<Place, size_t> members_of(const std::vector<StudyMember>& members, Stage stage) {
  std::map<Place, size_t> found;
  for (size_t i = 0; i < members.size(); ++i) {
    if (members[i].stage == stage) found.emplace(Place{members[i].family, members[i].size}, i);
  }
  return found;
}

Status find_sizes(std::span<const Run* const> runs, std::vector<StudyMember>& members) {
  for (size_t i = 0; i < members.size(); ++i) {
    if (members[i].size == 0) members[i].size = static_cast<double>(runs[i]->model.parameters);
    if (!(members[i].size > 0)) {
      return input_error("the model's number of parameters is not known", members[i].name, "give the number as size");
    }
  }
  return {};
}

Status check_members(const std::vector<StudyMember>& members) {
  std::map<std::pair<Place, Stage>, std::string> seen;
  for (const StudyMember& member : members) {
    const auto [at, is_new] = seen.try_emplace({{member.family, member.size}, member.stage}, member.name);
    if (!is_new) {
      return input_error("two runs have the same family, size and stage: " + at->second + " and " + member.name,
                         "family " + member.family, "give one of the runs another family or size");
    }
  }
  return {};
}

// A model with an added token has some parameters more.
void join_sizes(std::vector<StudyMember>& members) {
  for (size_t i = 0; i < members.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (members[j].family == members[i].family && same_size(members[i].size, members[j].size)) {
        members[i].size = members[j].size;
        break;
      }
    }
  }
}

// The values of the runs, question by question, on which everything is computed.
class StudyValues {
 public:
  StudyValues(const SharedQuestions& shared, const StudyOptions& options) : shared_(shared), options_(options) {}

  [[nodiscard]] PairedComparison compare(std::span<const double> later, std::span<const double> earlier) const {
    return compare_paired(later, earlier, shared_.sizes, options_.compare.statistics);
  }

  [[nodiscard]] StagePair pair(const StudyMember& member, size_t earlier, size_t later) const {
    const auto& a = shared_.values[later];
    const auto& b = shared_.values[earlier];
    StagePair pair{member.family, member.size, earlier, later, compare(a, b), {}, {}};
    detect(pair.comparison, pair.detection, pair.questions_80);
    return pair;
  }

  void pool(Separation& separation) const {
    std::vector<std::span<const double>> later, earlier;
    for (const StagePair& pair : separation.pairs) {
      later.emplace_back(shared_.values[pair.later]);
      earlier.emplace_back(shared_.values[pair.earlier]);
    }
    const std::vector<double> a = mean_over_runs(later), b = mean_over_runs(earlier);
    separation.pooled = compare(a, b);
    detect(*separation.pooled, separation.detection, separation.questions_80);
    std::set<std::string> families;
    for (const StagePair& pair : separation.pairs) families.insert(pair.family);
    separation.families = static_cast<int64_t>(families.size());
  }

  [[nodiscard]] std::vector<double> means(const std::map<Place, size_t>& runs) const {
    std::vector<double> values;
    for (const auto& [place, run] : runs) values.push_back(mean(run));
    return values;
  }

  [[nodiscard]] bool lower_is_better() const { return options_.compare.metric->lower_is_better; }

  [[nodiscard]] double mean(size_t run) const {
    return weighted_mean(shared_.values[run], shared_.sizes, options_.compare.statistics.weights);
  }

 private:
  void detect(const PairedComparison& comparison, std::vector<DetectionPoint>& curve,
              QuestionsForEffect& needed) const {
    const auto effect = effect_of_gain(comparison, lower_is_better());
    if (!effect) return;
    curve = detection_curve(effect->size, effect->interval, detection_counts(static_cast<int64_t>(shared_.n())),
                            options_.levels.alpha);
    if (effect->size > 0) needed = questions_for_effect(effect->size, effect->interval, options_.levels);
  }

  const SharedQuestions& shared_;
  const StudyOptions& options_;
};

void adjust(std::vector<StagePair>& pairs) {
  std::vector<std::optional<double>> p;
  for (const StagePair& pair : pairs) p.push_back(pair.comparison.p);
  const auto adjusted = holm_adjust(p);
  for (size_t i = 0; i < pairs.size(); ++i) pairs[i].comparison.p_holm = adjusted[i];
}

std::optional<Separation> separate(Stage earlier, Stage later, const std::vector<StudyMember>& members,
                                   const StudyValues& values, const StudyOptions& options) {
  const auto before = members_of(members, earlier), after = members_of(members, later);
  if (before.empty() || after.empty()) return std::nullopt;
  Separation separation;
  separation.earlier = earlier;
  separation.later = later;
  for (const auto& [place, run] : before) {
    const auto partner = after.find(place);
    if (partner != after.end()) separation.pairs.push_back(values.pair(members[run], run, partner->second));
  }
  adjust(separation.pairs);
  if (!separation.pairs.empty()) values.pool(separation);
  std::vector<double> low = values.means(before), high = values.means(after);
  if (values.lower_is_better()) std::swap(low, high);
  separation.auc = area_under_curve(low, high, options.compare.statistics.permutation());
  return separation;
}

// The pairs of values of the runs that have a judgement.
JudgedAgreement judge(const Judgement& judgement, CorrelationKind kind, const StudyValues& values,
                      const AgreementOptions& options) {
  std::vector<double> x, y;
  std::vector<size_t> runs;
  for (size_t run = 0; run < judgement.values.size(); ++run) {
    if (!judgement.values[run]) continue;
    x.push_back(values.mean(run));
    y.push_back(*judgement.values[run]);
    runs.push_back(run);
  }
  JudgedAgreement judged{judgement.name, kind, agreement(kind, x, y, options), {}, {}};
  if (kind == CorrelationKind::kPearson) judged.line = least_squares(y, x);
  if (judged.agreement.most_influential) judged.most_influential = runs[*judged.agreement.most_influential];
  return judged;
}

void add_judgements(const StudyValues& values, Study& study) {
  std::vector<ModelValues> columns(1);
  study.columns.emplace_back(study.options.compare.metric->name);
  for (size_t run = 0; run < study.runs.size(); ++run) columns.front().emplace_back(values.mean(run));
  for (const Judgement& judgement : study.judgements) {
    study.columns.push_back(judgement.name);
    columns.push_back(judgement.values);
    for (const CorrelationKind kind : kKinds) {
      study.agreements.push_back(judge(judgement, kind, values, study.options.agreement));
    }
  }
  for (const CorrelationKind kind : kKinds) study.matrices.emplace_back(kind, correlation_matrix(kind, columns));
}

std::vector<std::optional<double>> topic_means(std::span<const double> values, std::span<const size_t> sizes) {
  std::vector<std::optional<double>> means;
  for_each_topic(sizes,
                 [&](size_t, size_t begin, size_t n) { means.push_back(moments(values.subspan(begin, n)).mean); });
  return means;
}

}  // namespace

bool same_size(double a, double b) { return std::abs(a - b) <= 0.02 * std::min(a, b); }

Result<Study> make_study(std::span<const Run* const> runs, std::vector<StudyMember> members,
                         std::vector<Judgement> judgements, const StudyOptions& given) {
  if (auto ok = find_sizes(runs, members); !ok) return forward(ok);
  auto metric = metric_for(runs, given.compare.metric);
  if (!metric) return forward(metric);
  StudyOptions options = given;
  options.compare.metric = *metric;
  join_sizes(members);
  if (auto ok = check_members(members); !ok) return forward(ok);
  auto described = describe_runs(runs, options.compare);
  if (!described) return forward(described);
  const SharedQuestions& shared = described->shared;

  Study study;
  study.options = options;
  set_metric(*options.compare.metric, shared.values, study.options.compare.statistics);
  study.benchmark = benchmark_name(runs);
  study.members = std::move(members);
  study.judgements = std::move(judgements);
  study.runs = std::move(described->runs);
  study.differences = std::move(described->differences);
  study.notes = std::move(described->notes);
  study.undefined_policy = described->undefined;
  study.topics = shared.topics;
  study.sizes = shared.sizes;
  study.shared = static_cast<int64_t>(shared.n());
  study.undefined = shared.undefined;
  study.different = shared.different;
  for (const auto& values : shared.values) study.topic_values.push_back(topic_means(values, shared.sizes));

  const StudyValues values(shared, study.options);
  for (size_t i = 0; i < std::size(kStages); ++i) {
    for (size_t j = i + 1; j < std::size(kStages); ++j) {
      if (auto found = separate(kStages[i].value, kStages[j].value, study.members, values, study.options)) {
        study.separations.push_back(std::move(*found));
      }
    }
  }
  add_judgements(values, study);
  return study;
}

}  // namespace hre
