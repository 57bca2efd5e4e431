#include "analysis/training.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "core/text.h"
#include "stats/comparison.h"
#include "stats/distributions.h"
#include "stats/estimate.h"
#include "stats/random.h"

namespace hre {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr size_t kMostDigits = 15;
constexpr int64_t kLastCheckpoints = 5;  // as Heineman et al. take of small models
constexpr double kLevel = 0.05;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Takes a word and its number out of a name: "a-step-20-b" becomes "a-b", and 20 is returned.
std::optional<double> take_number(std::string& name, std::string_view word) {
  const std::string folded = lower(name);
  for (size_t at = folded.rfind(word); at != std::string::npos; at = at == 0 ? at : folded.rfind(word, at - 1)) {
    const size_t digit = folded.find_first_not_of("-_=", at + word.size());
    const size_t end = digit == std::string::npos ? digit : folded.find_first_not_of(kDigits, digit);
    const size_t n = (end == std::string::npos ? folded.size() : end) - std::min(digit, folded.size());
    // "footstep3" holds no step; "global_step3" does.
    const bool begins = at == 0 || !is_letter(folded[at - 1]);
    if (begins && digit != std::string::npos && n > 0 && n <= kMostDigits) {
      const double number = std::stod(folded.substr(digit, n));
      std::string before = name.substr(0, at), after = name.substr(digit + n);
      while (!before.empty() && (before.back() == '-' || before.back() == '_')) before.pop_back();
      name = before.empty() ? after : before + after;
      return number;
    }
    if (at == 0) break;
  }
  return std::nullopt;
}

/// The name of a folder or file in a path, without ".gguf" and the number of a part.
std::string plain_name(std::string name) {
  if (lower(name).ends_with(".gguf")) name.resize(name.size() - 5);
  constexpr size_t kTail = 15;  // -00001-of-00003
  if (name.size() > kTail && matches_glob("-[0-9][0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9][0-9]",
                                          std::string_view(name).substr(name.size() - kTail))) {
    name.resize(name.size() - kTail);
  }
  return name;
}

/// The parts of a path, the last first.
std::vector<std::string> parts_from_end(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const size_t slash = path.rfind('/');
    const std::string_view part = slash == std::string_view::npos ? path : path.substr(slash + 1);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path = path.substr(0, slash == std::string_view::npos ? 0 : slash);
  }
  return parts;
}

/// Differences of the questions that both have: later - earlier.
std::vector<double> differences_of(const TrainingPoint& earlier, const TrainingPoint& later) {
  std::vector<double> differences;
  auto b = later.by_question.begin();
  for (const auto& [question, value] : earlier.by_question) {
    while (b != later.by_question.end() && b->first < question) ++b;
    if (b != later.by_question.end() && b->first == question) differences.push_back(b->second - value);
  }
  return differences;
}

/// The two-sided p that two checkpoints' values have the same mean, where the later one is better; 1 elsewhere, and
/// where the questions are too few or too alike to tell.
double p_of_gain(const TrainingPoint& earlier, const TrainingPoint& later, const Metric& metric) {
  const std::vector<double> differences = differences_of(earlier, later);
  const Estimate mean = mean_estimate(differences);
  if (mean.n < kFewestForInterval || !mean.stderr_ || !(*mean.stderr_ > 0)) return 1;
  if (metric.range && may_hide_losses(mean, differences.size(), metric.range->width())) return 1;
  const double t = (metric.lower_is_better ? -1 : 1) * *mean.mean / *mean.stderr_;
  return t > 0 ? 2 * student_t_cdf(-t, static_cast<double>(mean.n - 1)) : 1;
}

std::optional<TrainingPeak> find_peak(const std::vector<TrainingPoint>& points, const Metric& metric) {
  if (std::ranges::any_of(points, [](const TrainingPoint& point) { return point.by_question.empty(); })) return {};
  size_t at = 0;
  for (; at + 1 < points.size(); ++at) {
    const auto later = static_cast<double>(points.size() - at - 1);
    bool is_beaten = false;
    for (size_t i = at + 1; i < points.size() && !is_beaten; ++i)
      is_beaten = p_of_gain(points[at], points[i], metric) < kLevel / later;
    if (!is_beaten) break;
  }
  return TrainingPeak{at, static_cast<int64_t>(points.size() - at - 1), kLevel};
}

std::vector<double> last_values(const Training& training) {
  std::vector<double> values;
  for (size_t i = training.points.size() - static_cast<size_t>(training.n_last); i < training.points.size(); ++i)
    values.push_back(*training.points[i].value);
  return values;
}

/// One of many trainings without a signal: a value, and what it is divided by.
template <class Draw>
FlatRatio ratio_of_draws(size_t values_a_draw, Draw draw) {
  constexpr size_t kValues = 200'000, kFewest = 1000, kMost = 20'000;
  std::vector<double> ratios(std::clamp(kValues / values_a_draw, kFewest, kMost));
  for (size_t i = 0; i < ratios.size(); ++i) {
    RandomStream random(0, RandomPurpose::kFlatTrainings, i);
    ratios[i] = draw([&] { return normal_quantile(random.uniform() + 0x1p-54); });
  }
  std::ranges::sort(ratios);
  return {quantile_of_sorted(ratios, 0.5), quantile_of_sorted(ratios, 0.95)};
}

/// Of one training: the range of all values by the deviation of the last.
FlatRatio flat_ratio(size_t n, size_t n_last) {
  std::vector<double> values(n);
  return ratio_of_draws(n, [&](auto normal) {
    std::ranges::generate(values, normal);
    const auto [low, high] = std::ranges::minmax(values);
    return (high - low) / std::sqrt(moments(std::span(values).last(n_last)).variance);
  });
}

/// Of several: the range of the means of their last values by the root mean square of these values' deviations.
FlatRatio flat_ratio(std::span<const size_t> n_last) {
  std::vector<double> means(n_last.size()), values;
  const size_t all = std::accumulate(n_last.begin(), n_last.end(), size_t{0});
  return ratio_of_draws(all, [&](auto normal) {
    double variances = 0;
    for (size_t i = 0; i < n_last.size(); ++i) {
      values.resize(n_last[i]);
      std::ranges::generate(values, normal);
      const Moments m = moments(values);
      means[i] = m.mean;
      variances += m.variance / static_cast<double>(n_last.size());
    }
    const auto [low, high] = std::ranges::minmax(means);
    return (high - low) / std::sqrt(variances);
  });
}

std::optional<TrainingsApart> apart_of(std::span<const Training> trainings) {
  std::vector<double> means;
  std::vector<size_t> n_last;
  double squares = 0;
  for (const Training& training : trainings) {
    if (!training.noise) continue;
    means.push_back(moments(last_values(training)).mean);
    n_last.push_back(static_cast<size_t>(training.n_last));
    squares += *training.noise * *training.noise;
  }
  if (means.size() < 2) return std::nullopt;
  const auto [low, high] = std::ranges::minmax(means);
  const double noise = std::sqrt(squares / static_cast<double>(means.size()));
  TrainingsApart apart{static_cast<int64_t>(means.size()), high - low, noise, {}, {}};
  if (noise > 0) {
    apart.signal_to_noise = apart.spread / noise;
    apart.flat_ratio = flat_ratio(n_last);
  }
  return apart;
}

Training training_of(const std::string& name, std::vector<TrainingPoint> points, const Metric& metric) {
  Training training{name, std::move(points), 0, 0, 0, {}, {}, {}, {}, {}};
  const auto& all = training.points;
  double low = *all[0].value, high = low, squares = 0;
  for (size_t i = 1; i < all.size(); ++i) {
    const double value = *all[i].value, best = *all[training.best].value;
    if (metric.lower_is_better ? value < best : value > best) training.best = i;
    low = std::min(low, value);
    high = std::max(high, value);
    squares += (value - *all[i - 1].value) * (value - *all[i - 1].value);
  }
  training.range = high - low;
  training.n_last = std::min<int64_t>(kLastCheckpoints, static_cast<int64_t>(all.size() / 2));
  if (all.size() >= 3) training.neighbour_noise = std::sqrt(squares / (2 * static_cast<double>(all.size() - 1)));
  if (training.n_last >= 3) training.noise = std::sqrt(moments(last_values(training)).variance);
  if (training.noise && *training.noise > 0) {
    training.signal_to_noise = training.range / *training.noise;
    training.flat_ratio = flat_ratio(all.size(), static_cast<size_t>(training.n_last));
  }
  training.peak = find_peak(all, metric);
  return training;
}

}  // namespace

std::optional<TrainingStep> training_step(std::string_view name) {
  // The finest counts; what it stands beside is no part of the training's name.
  constexpr std::array<std::string_view, 8> kWords = {"global_step", "step",      "steps", "checkpoint",
                                                      "ckpt",        "iteration", "iter",  "epoch"};
  std::string rest(name);
  std::optional<double> step;
  for (const std::string_view word : kWords) {
    if (const auto number = take_number(rest, word); number && !step) step = number;
  }
  if (!step) return std::nullopt;
  for (const std::string_view more : {"-unsharded", "checkpoint", "ckpt"}) {  // "ckpt-epoch-2"
    if (rest.ends_with(more)) rest.resize(rest.size() - more.size());
  }
  while (!rest.empty() && (rest.back() == '-' || rest.back() == '_')) rest.pop_back();
  while (!rest.empty() && (rest.front() == '-' || rest.front() == '_')) rest.erase(0, 1);
  return TrainingStep{rest, *step};
}

std::optional<TrainingStep> training_step(const ModelDescription& model) {
  const std::vector<std::string> parts = parts_from_end(model.source);
  auto step = training_step(plain_name(model.name));
  size_t named_by = 0;
  constexpr size_t kDeepest = 2;  // step-100/model.gguf
  for (; !step && named_by < std::min(kDeepest, parts.size()); ++named_by) {
    step = training_step(plain_name(parts[named_by]));
    if (step) break;
  }
  if (step && step->training.empty()) {
    step->training = named_by + 1 < parts.size() ? plain_name(parts[named_by + 1]) : "training";
  }
  return step;
}

std::vector<std::pair<uint64_t, double>> values_by_question(const Run& run, const Metric& metric) {
  std::vector<std::pair<uint64_t, double>> values;
  for (const QuestionResult& question : run.questions) {
    const auto value = question.metrics.*metric.of_question;
    if (value) values.emplace_back(std::hash<std::string>()(question.topic + '\0' + question.id), *value);
  }
  std::ranges::sort(values);
  return values;
}

Trainings find_trainings(std::vector<TrainingPoint> points, const Metric& metric) {
  std::map<std::string, std::map<double, TrainingPoint>> by_name;
  for (TrainingPoint& point : points) {
    if (point.value) by_name[point.training].insert_or_assign(point.step, std::move(point));
  }
  Trainings trainings;
  for (auto& [name, by_step] : by_name) {
    if (by_step.size() < 2) continue;
    std::vector<TrainingPoint> ordered;
    for (auto& [step, point] : by_step) ordered.push_back(std::move(point));
    trainings.each.push_back(training_of(name, std::move(ordered), metric));
  }
  trainings.apart = apart_of(trainings.each);
  return trainings;
}

}  // namespace hre
