#include "report/training_text.h"

#include <fmt/format.h>

#include "core/text.h"
#include "report/number_text.h"

namespace hre {
namespace {

/// A value with the digits that its noise allows.
std::string value_text(const Training& training, double value) {
  return rounded(value, decimals_for(2 * training.neighbour_noise.value_or(0)));
}

std::string curve_sentence(const Training& training, const std::string& benchmark) {
  const TrainingPoint &first = training.points.front(), &last = training.points.back();
  const TrainingPoint& best = training.points[training.best];
  return fmt::format("Training {}: {} from step {} to {}; {} went from {} to {}, and is best at step {} ({}).",
                     training.name, counted(static_cast<int64_t>(training.points.size()), "checkpoint"),
                     step_text(first.step), step_text(last.step), benchmark, value_text(training, *first.value),
                     value_text(training, *last.value), step_text(best.step), value_text(training, *best.value));
}

std::string ratio_text(double ratio, const FlatRatio& flat, std::string_view what) {
  return fmt::format("{} (without a signal, half of such {}s are above {}, one in twenty above {})", significant(ratio),
                     what, significant(flat.median), significant(flat.high));
}

std::string noise_sentence(const Training& training) {
  std::string text =
      fmt::format("Training {}: from one checkpoint to the next, the value has a standard deviation of {}",
                  training.name, significant(training.neighbour_noise));
  if (!training.noise) return text + ".";
  text +=
      fmt::format("; the last {} have one of {}", counted(training.n_last, "checkpoint"), significant(training.noise));
  if (training.signal_to_noise) {
    text += fmt::format(", and all values lie within {}: signal to noise {}", significant(training.range),
                        ratio_text(*training.signal_to_noise, *training.flat_ratio, "training"));
  }
  return text + ".";
}

std::string peak_sentence(const Training& training) {
  const TrainingPeak& peak = *training.peak;
  if (peak.later == 0) {
    return fmt::format(
        "Training {}: every earlier checkpoint has a later one that is shown to be better ({:.0f} %), so training "
        "helped "
        "to the end.",
        training.name, 100 * (1 - peak.level));
  }
  return fmt::format(
      "Training {}: no checkpoint after step {} is shown to be better than it ({:.0f} %, over the {} after it "
      "together), so these questions don't show that training helped after that.",
      training.name, step_text(training.points[peak.point].step), 100 * (1 - peak.level),
      counted(peak.later, "checkpoint"));
}

}  // namespace

std::string step_text(double step) { return format_number(step); }

std::vector<std::string> training_sentences(const Trainings& trainings, const std::string& benchmark) {
  std::vector<std::string> sentences;
  for (const Training& training : trainings.each) {
    sentences.push_back(curve_sentence(training, benchmark));
    if (training.neighbour_noise) sentences.push_back(noise_sentence(training));
    if (training.peak) sentences.push_back(peak_sentence(training));
  }
  if (const auto& apart = trainings.apart) {
    sentences.push_back(fmt::format(
        "The means of the last checkpoints of {} lie within {}, and a checkpoint has a standard deviation of {}{}.",
        counted(apart->trainings, "training"), significant(apart->spread), significant(apart->noise),
        apart->signal_to_noise ? ": signal to noise " + ratio_text(*apart->signal_to_noise, apart->flat_ratio, "group")
                               : ""));
  }
  return sentences;
}

}  // namespace hre
