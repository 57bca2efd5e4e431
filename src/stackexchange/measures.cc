#include "stackexchange/measures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "stats/correlation.h"
#include "stats/estimate.h"

namespace hre::stackexchange {
namespace {

using Values = std::vector<double>;

constexpr size_t kFewestForShare = 50;  // of 20 questions, two answers by `spread`, it would hold the truth in 89 %

std::string with_interval(const Estimate& value, double scale, const char* unit) {
  if (!value.mean) return "-";
  const auto number = [&](double x) {
    return scale == 1 ? fmt::format("{:.2f}", x) : fmt::format("{:.1f}", scale * x);
  };
  if (!value.ci_low) return number(*value.mean) + unit;
  return fmt::format("{}{} [{}, {}]", number(*value.mean), unit, number(*value.ci_low), number(*value.ci_high));
}

std::string later_wins_of(const SetMeasures& m) {
  const std::string share = with_interval(later_wins_share(m), 100, " %");
  return m.pairs == 0 ? share : fmt::format("{} of {} pairs; by chance 50 %", share, m.pairs);
}

std::string accepted_first_of(const SetMeasures& m) {
  std::string share = with_interval(accepted_first_share(m), 100, " %");
  if (m.chance_first.empty()) return share;
  return fmt::format("{} of {}; by chance {:.1f} %", share, m.chance_first.size(), 100 * moments(m.chance_first).mean);
}

}  // namespace

std::optional<double> views_since(const PostRecord& answer, const PostRecord& question, int64_t end_ms) {
  if (question.views == 0 || end_ms <= question.created_ms) return std::nullopt;
  const int64_t since = std::clamp<int64_t>(end_ms - answer.created_ms, 0, end_ms - question.created_ms);
  return static_cast<double>(question.views) * static_cast<double>(since) /
         static_cast<double>(end_ms - question.created_ms);
}

AnswerMeasures measure(const PostRecord& question, std::span<const PostRecord> answers,
                       std::span<const uint32_t> lengths, int64_t end_ms) {
  constexpr double kMsAnHour = 3'600'000;
  AnswerMeasures m;
  Values votes, dates, rates, delays, logs, accepted;
  for (const PostRecord& answer : answers) {
    const auto delay = static_cast<double>(answer.created_ms - question.created_ms);
    const double views = views_since(answer, question, end_ms).value_or(0);
    votes.push_back(answer.score);
    dates.push_back(static_cast<double>(answer.created_ms));
    delays.push_back(std::log1p(std::max(0.0, delay) / kMsAnHour));
    if (views >= 1) rates.push_back(1000 * answer.score / views);
    accepted.push_back((answer.flags & kAccepted) != 0 ? 1 : 0);
  }
  for (const uint32_t length : lengths) logs.push_back(std::log(std::max<uint32_t>(length, 1)));
  Values places = average_ranks(dates);
  for (double& place : places) place /= static_cast<double>(answers.size());
  const auto keep = [&](Explainer what, const Values& of, const Values& by) {
    const auto i = static_cast<size_t>(what);
    if (of.size() != answers.size() || by.size() != answers.size()) return;
    const auto found = covariate_products(of, of, by);
    m.has[i] = found.has_value();
    if (found) m.products[i] = *found;
  };
  keep(Explainer::kOrder, votes, places);
  keep(Explainer::kRateOrder, rates, places);
  keep(Explainer::kDelay, votes, delays);
  keep(Explainer::kLength, votes, logs);
  int64_t later_wins = 0;
  for (const PostRecord& a : answers) {
    for (const PostRecord& b : answers) {
      if (a.created_ms >= b.created_ms || a.score == b.score) continue;
      ++m.pairs;
      later_wins += b.score > a.score ? 1 : 0;
    }
  }
  if (m.pairs > 0) m.later_wins = static_cast<double>(later_wins) / static_cast<double>(m.pairs);
  if (const auto r = pearson(votes, accepted)) {
    const size_t at = static_cast<size_t>(std::ranges::max_element(accepted) - accepted.begin());
    m.has_accepted = true;
    m.accepted_r = *r;
    const double most = *std::ranges::max_element(votes);
    m.accepted_first = votes[at] == most;
    m.chance_first = static_cast<double>(std::ranges::count(votes, most)) / static_cast<double>(votes.size());
  }
  return m;
}

void SetMeasures::add(const AnswerMeasures& one) {
  for (size_t i = 0; i < kExplainers; ++i) {
    if (one.has[i]) products[i].push_back(one.products[i]);
  }
  pairs += one.pairs;
  if (one.pairs > 0) later_wins.push_back(one.later_wins);
  if (!one.has_accepted) return;
  accepted_r.push_back(one.accepted_r);
  accepted_first.push_back(one.accepted_first ? 1 : 0);
  chance_first.push_back(one.chance_first);
}

void SetMeasures::add(const SetMeasures& other) {
  const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  for (size_t i = 0; i < kExplainers; ++i) append(products[i], other.products[i]);
  append(later_wins, other.later_wins);
  append(accepted_r, other.accepted_r);
  append(accepted_first, other.accepted_first);
  append(chance_first, other.chance_first);
  pairs += other.pairs;
}

// The share is the square of a mean over a root, a / sqrt(c), of a = u z and c = z z (stats/confound.h). That root has
// Student's interval, by the delta method; squared, it is the share's, and holds it where the slope is near 0, too.
Estimate explained_share(const SetMeasures& set, Explainer explainer) {
  const std::vector<CovariateProducts>& products = set.products[static_cast<size_t>(explainer)];
  const std::vector<size_t> sizes = {products.size()};
  Estimate share = value_parts(products, sizes, Weights::kQuestions).through;
  share.ci_low = share.ci_high = std::nullopt;
  if (!share.mean) return share;
  share.mean = std::max(0.0, *share.mean);
  if (products.size() < kFewestForShare) return share;
  double a = 0, c = 0;
  for (const CovariateProducts& q : products) {
    a += q.votes / static_cast<double>(products.size());
    c += q.square / static_cast<double>(products.size());
  }
  Values pulls;
  for (const CovariateProducts& q : products)
    pulls.push_back((q.votes + a - a * (q.square / c + 1) / 2) / std::sqrt(c));
  const Estimate root = mean_estimate(pulls);
  if (!root.ci_low) return share;
  const double low = *root.ci_low, high = *root.ci_high;
  const bool may_be_none = low <= 0 && high >= 0;
  share.ci_low = may_be_none ? 0 : std::min({low * low, high * high, 1.0});
  share.ci_high = std::min(1.0, std::max(low * low, high * high));
  return share;
}

Estimate later_wins_share(const SetMeasures& set) { return mean_estimate(set.later_wins, Interval{0, 1}); }

Estimate accepted_correlation(const SetMeasures& set) { return mean_estimate(set.accepted_r, Interval{-1, 1}); }

Estimate accepted_first_share(const SetMeasures& set) { return mean_estimate(set.accepted_first, Interval{0, 1}); }

std::string format_measures(const SetMeasures& all, const SetMeasures& passing, const SetMeasures& chosen) {
  constexpr const char* kExplained[kExplainers] = {"order of posting explains",
                                                   "order of posting explains, of votes per 1,000 views since then",
                                                   "delay after the question explains", "length explains"};
  std::string text =
      "| | all answers of these questions in the dump | those that pass the filters | those in this set |\n"
      "|---|---|---|---|\n";
  const auto add_row = [&](const char* name, auto cell) {
    text += fmt::format("| {} | {} | {} | {} |\n", name, cell(all), cell(passing), cell(chosen));
  };
  for (size_t i = 0; i < kExplainers; ++i) {
    add_row(kExplained[i], [&](const SetMeasures& m) {
      return with_interval(explained_share(m, static_cast<Explainer>(i)), 100, " %");
    });
  }
  add_row("the later of two has more votes", later_wins_of);
  add_row("r of votes and acceptance",
          [](const SetMeasures& m) { return with_interval(accepted_correlation(m), 1, ""); });
  add_row("the accepted one has the most votes", accepted_first_of);
  return text;
}

}  // namespace hre::stackexchange
