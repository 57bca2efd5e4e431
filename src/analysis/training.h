#pragma once
/// Checkpoints of one training: its curve, how noisy it is, and where it stopped helping.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analysis/metric.h"
#include "hre/run.h"

namespace hre {

/// A checkpoint's place in a training.
struct TrainingStep {
  std::string training;  ///< "pythia-410m" of "pythia-410m-step3000"; empty where the name says no more than the step
  double step = 0;
  bool operator==(const TrainingStep&) const = default;
};

/// The step in the name of a file or folder: step3000, checkpoint-1500, step_1500-unsharded, iter_0001500,
/// global_step1500, epoch=3-step=1500 (the step counts, not the epoch), ckpt-epoch-2. Nothing where it names none.
std::optional<TrainingStep> training_step(std::string_view name);

/// The step of a model: by its name, else by the file or folder that it was read from, or the folder above. The
/// training is then named as that folder.
std::optional<TrainingStep> training_step(const ModelDescription& model);

/// A checkpoint: all that a training's curve needs of its run.
struct TrainingPoint {
  std::string training;
  double step = 0;
  size_t run = 0;                    ///< position among the runs, for the caller
  std::optional<double> value = {};  /// the micro mean
  /// Values of single questions by the hash of topic and id, in order of the hashes; empty for means alone.
  std::vector<std::pair<uint64_t, double>> by_question = {};
};

/// Questions without a value are left out. `value` is the caller's to set: it follows the run's policy for undefined
/// questions.
std::vector<std::pair<uint64_t, double>> values_by_question(const Run& run, const Metric& metric);

/// A checkpoint after which no later one is shown to be better.
struct TrainingPeak {
  size_t point = 0;     ///< position in Training::points
  int64_t later = 0;    ///< checkpoints after it
  double level = 0.05;  ///< of an error, over all later checkpoints together
};

/// What a ratio of signal to noise comes out at where there is no signal, as no ratio of a spread to a deviation is
/// near 0 then: of values that vary independently around one mean (normal, drawn from a fixed seed).
struct FlatRatio {
  double median = 0, high = 0;  ///< 95 of 100 are below `high`
};

/// One training's checkpoints with values, by step. Signal and noise follow Heineman et al. (arXiv 2508.13144, 2025),
/// who divide both by the mean value; a value near 0 makes those quotients useless, and their ratio doesn't need them.
struct Training {
  std::string name;
  std::vector<TrainingPoint> points;  ///< two or more
  size_t best = 0;                    ///< position of the highest value (lowest, where lower is better), the first
  double range = 0;                   ///< the largest value - the smallest
  int64_t n_last = 0;                 ///< the last checkpoints: at most five, and at most half of all
  std::optional<double> noise;        ///< standard deviation of the last values; nothing for fewer than three of them
  /// Standard deviation of a value from one checkpoint to the next, by half the mean square of neighbours' differences
  /// (von Neumann): unlike `noise`, a slow rise adds little to it. Nothing for fewer than three checkpoints.
  std::optional<double> neighbour_noise;
  std::optional<double> signal_to_noise;  ///< range / noise
  std::optional<FlatRatio> flat_ratio;    ///< of as many checkpoints that stay at one value, where there is noise
  /// The first checkpoint after which no later one is shown to be better, on the questions that both have. Nothing
  /// where a point has no questions. Tested in order, each at `level` over all later checkpoints together (Bonferroni),
  /// and the first that isn't rejected ends it, so that a wrong rejection anywhere has at most that probability (a
  /// fixed sequence: Maurer, Hothorn and Lehmacher, 1995).
  std::optional<TrainingPeak> peak;
};

/// What several trainings' last checkpoints tell of the benchmark: how far the trainings are apart, by how much each
/// moves.
struct TrainingsApart {
  int64_t trainings = 0;  ///< with noise
  double spread = 0;      ///< of the means of their last values: the largest - the smallest
  double noise = 0;       ///< root mean square of the trainings' noise
  std::optional<double> signal_to_noise;
  FlatRatio flat_ratio;  ///< of as many trainings with one value
};

struct Trainings {
  std::vector<Training> each;           ///< by name
  std::optional<TrainingsApart> apart;  ///< nothing for fewer than two trainings with noise
};

/// The trainings among the points that have values; those of one step alone are left out. Of several points at one step
/// the last counts.
Trainings find_trainings(std::vector<TrainingPoint> points, const Metric& metric);

}  // namespace hre
