#include "data/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/hashing.h"
#include "core/text.h"

namespace hre::data {
namespace {

// 1, 2, 5, 10, ... from `smallest` to the first beyond `largest`, on both sides of zero.
std::vector<double> round_edges(double smallest, double largest) {
  std::vector<double> positive = {1};
  const double reach = std::max(std::abs(smallest), std::abs(largest));
  while (positive.back() <= reach) {
    constexpr double kSteps[] = {2, 2.5, 2};
    positive.push_back(positive.back() * kSteps[(positive.size() - 1) % 3]);
  }
  std::vector<double> edges;
  if (smallest < 0) {
    for (auto at = positive.rbegin(); at != positive.rend(); ++at) edges.push_back(-*at);
  }
  edges.push_back(0);
  edges.insert(edges.end(), positive.begin(), positive.end());
  const auto first = std::upper_bound(edges.begin(), edges.end(), smallest) - 1;
  const auto last = std::upper_bound(edges.begin(), edges.end(), largest);
  return {first, last + 1};
}

std::string hash_of(const std::string& text) {
  ContentHash hash;
  hash.add_bytes(text);
  return hash.value();
}

}  // namespace

void Distribution::add(double value) {
  values_.push_back(value);
  sorted_ = false;
}

void Distribution::add(const Distribution& other) {
  values_.insert(values_.end(), other.values_.begin(), other.values_.end());
  sorted_ = false;
}

void Distribution::sort() const {
  if (!sorted_) std::sort(values_.begin(), values_.end());
  sorted_ = true;
}

double Distribution::mean() const {
  return std::accumulate(values_.begin(), values_.end(), 0.0) / static_cast<double>(values_.size());
}

double Distribution::quantile(double q) const {
  sort();
  const double place = q * static_cast<double>(values_.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, values_.size() - 1);
  return std::lerp(values_[below], values_[above], place - static_cast<double>(below));
}

bool Distribution::all_whole() const {
  return std::all_of(values_.begin(), values_.end(), [](double value) { return value == std::floor(value); });
}

std::vector<Distribution::Bar> Distribution::bars() const {
  constexpr double kMostSingle = 10, kExact = 1e15;
  std::vector<Bar> bars;
  if (values_.empty()) return bars;
  sort();
  const double smallest = values_.front(), largest = values_.back();
  if (all_whole() && largest - smallest < kMostSingle && smallest > -kExact && largest < kExact) {
    for (double value = smallest; value <= largest; ++value) bars.push_back({value, value, 0});
  } else {
    const std::vector<double> edges = round_edges(smallest, largest);
    for (size_t i = 0; i + 1 < edges.size(); ++i) bars.push_back({edges[i], edges[i + 1], 0});
  }
  size_t bar = 0;
  for (const double value : values_) {
    while (bars[bar].low == bars[bar].high ? value > bars[bar].low : value >= bars[bar].high) ++bar;
    ++bars[bar].count;
  }
  return bars;
}

void TopicStatistics::add(const TopicStatistics& other) {
  questions += other.questions;
  answers.add(other.answers);
  question_lengths.add(other.question_lengths);
  answer_lengths.add(other.answer_lengths);
  votes.add(other.votes);
  tied += other.tied;
  constant += other.constant;
  empty_answers += other.empty_answers;
  repeated += other.repeated;
}

void DatasetStatistics::add(const Question& question) {
  fingerprint_.add(question);
  const auto [at, is_new] = topics_.try_emplace(question.topic);
  if (is_new) names_.push_back(question.topic);
  TopicStatistics& topic = at->second;
  ++topic.questions;
  topic.answers.add(static_cast<double>(question.answers.size()));
  topic.question_lengths.add(static_cast<double>(count_code_points(question.text)));
  std::vector<double> votes;
  for (const Answer& answer : question.answers) {
    topic.answer_lengths.add(static_cast<double>(count_code_points(answer.text)));
    topic.votes.add(answer.votes);
    topic.empty_answers += answer.text.empty();
    votes.push_back(answer.votes);
  }
  std::sort(votes.begin(), votes.end());
  topic.tied += std::adjacent_find(votes.begin(), votes.end()) != votes.end();
  topic.constant += votes.front() == votes.back();
  topic.repeated += !seen_.insert(hash_of(question.text)).second;
}

}  // namespace hre::data
