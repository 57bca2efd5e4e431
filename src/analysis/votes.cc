#include "analysis/votes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "stats/estimate.h"

namespace hre {
namespace {

// Votes have long tails on both sides: asinh is linear around 0 and logarithmic far out.
std::vector<double> bar_edges(double low, double high) {
  constexpr int kBars = 24;
  const double from = std::asinh(low - 0.5), to = std::asinh(high + 0.5);
  std::vector<double> edges;
  for (int i = 0; i <= kBars; ++i) edges.push_back(std::sinh(from + (to - from) * i / kBars));
  return edges;
}

}  // namespace

std::vector<TopicVotes> vote_distributions(std::span<const Run> runs) {
  std::map<std::string, std::vector<double>> votes;
  std::set<std::pair<std::string, std::string>> seen;
  double least = 0, most = 1;
  for (const Run& run : runs) {
    for (const QuestionResult& question : run.questions) {
      if (question.answers.empty() || !seen.emplace(question.topic, question.id).second) continue;
      for (const AnswerResult& answer : question.answers) {
        if (!std::isfinite(answer.votes)) continue;
        votes[question.topic].push_back(answer.votes);
        least = std::min(least, answer.votes);
        most = std::max(most, answer.votes);
      }
    }
  }
  const std::vector<double> edges = bar_edges(least, most);
  std::vector<TopicVotes> topics;
  for (auto& [topic, values] : votes) {
    std::ranges::sort(values);
    const auto quantile = [&values = values](double p) { return quantile_of_sorted(values, p); };
    TopicVotes& one = topics.emplace_back(TopicVotes{topic,
                                                     static_cast<int64_t>(values.size()),
                                                     values.front(),
                                                     quantile(0.05),
                                                     quantile(0.25),
                                                     quantile(0.5),
                                                     quantile(0.75),
                                                     quantile(0.95),
                                                     values.back(),
                                                     moments(values).mean,
                                                     {}});
    for (size_t i = 0; i + 1 < edges.size(); ++i) {
      const auto from = std::ranges::lower_bound(values, edges[i]), to = std::ranges::lower_bound(values, edges[i + 1]);
      one.bars.push_back({edges[i], edges[i + 1], static_cast<double>(to - from) / static_cast<double>(values.size())});
    }
  }
  return topics;
}

}  // namespace hre
