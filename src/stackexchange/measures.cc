#include "stackexchange/measures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "stats/correlation.h"

namespace hre::stackexchange {
namespace {

using Values = std::vector<double>;

bool keep(const Values& votes, const Values& covariate, CovariateProducts& products) {
  const auto found = covariate_products(votes, votes, covariate);
  if (found) products = *found;
  return found.has_value();
}

/// How much of the votes' variance within questions one slope on the covariate explains. A slope that chance made adds
/// nothing to its expectation (stats/confound.h).
std::string share_of(const std::vector<CovariateProducts>& products) {
  const std::vector<size_t> sizes = {products.size()};
  const Estimate share = value_parts(products, sizes, Weights::kQuestions).through;
  if (products.size() < 2 || !share.mean) return "-";
  if (!share.ci_low) return fmt::format("{:.1f} %", 100 * *share.mean);
  return fmt::format("{:.1f} % [{:.1f}, {:.1f}]", 100 * *share.mean, 100 * *share.ci_low, 100 * *share.ci_high);
}

std::string part(int64_t n, int64_t of) {
  return of == 0 ? "-" : fmt::format("{:.1f} % of {}", 100.0 * static_cast<double>(n) / static_cast<double>(of), of);
}

}  // namespace

AnswerMeasures measure(std::span<const PostRecord> answers, std::span<const uint32_t> lengths) {
  AnswerMeasures m;
  Values votes, dates, logs;
  for (const PostRecord& answer : answers) {
    votes.push_back(answer.score);
    dates.push_back(static_cast<double>(answer.created_ms));
  }
  for (const uint32_t length : lengths) logs.push_back(std::log(std::max<uint32_t>(length, 1)));
  Values places = average_ranks(dates);
  for (double& place : places) place /= static_cast<double>(answers.size());
  m.has_order = keep(votes, places, m.order);
  m.has_length = !lengths.empty() && keep(votes, logs, m.length);
  const PostRecord* accepted = nullptr;
  for (const PostRecord& a : answers) {
    if ((a.flags & kAccepted) != 0) accepted = &a;
    for (const PostRecord& b : answers) {
      if (a.created_ms >= b.created_ms || a.score == b.score) continue;
      ++m.pairs;
      m.later_wins += b.score > a.score ? 1 : 0;
    }
  }
  if (accepted != nullptr && m.has_order) {
    m.accepted = 1;
    m.accepted_first = std::ranges::none_of(answers, [&](const auto& a) { return a.score > accepted->score; }) ? 1 : 0;
  }
  return m;
}

void SetMeasures::add(const AnswerMeasures& one) {
  if (one.has_order) order.push_back(one.order);
  if (one.has_length) length.push_back(one.length);
  pairs += one.pairs;
  later_wins += one.later_wins;
  accepted += one.accepted;
  accepted_first += one.accepted_first;
}

void SetMeasures::add(const SetMeasures& other) {
  order.insert(order.end(), other.order.begin(), other.order.end());
  length.insert(length.end(), other.length.begin(), other.length.end());
  pairs += other.pairs;
  later_wins += other.later_wins;
  accepted += other.accepted;
  accepted_first += other.accepted_first;
}

std::string format_measures(const SetMeasures& all, const SetMeasures& passing, const SetMeasures& chosen) {
  std::string text =
      "| answers of these questions | order of posting explains | length explains | the later of two has more votes | "
      "the "
      "accepted has the most |\n|---|---|---|---|---|\n";
  const std::pair<const char*, const SetMeasures*> rows[] = {
      {"all in the dump", &all}, {"those that pass the filters", &passing}, {"those in this set", &chosen}};
  for (const auto& [name, m] : rows) {
    text += fmt::format("| {} | {} | {} | {} | {} |\n", name, share_of(m->order), share_of(m->length),
                        part(m->later_wins, m->pairs), part(m->accepted_first, m->accepted));
  }
  return text;
}

}  // namespace hre::stackexchange
