#include "report/training_text.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <iterator>

namespace hre {
namespace {

using testing::ElementsAre;

/// A training by hand: values by step, without questions.
std::vector<TrainingPoint> points_of(const std::string& name, const std::vector<double>& values) {
  std::vector<TrainingPoint> points;
  for (size_t i = 0; i < values.size(); ++i)
    points.push_back({name, 100.0 * static_cast<double>(i + 1), i, values[i], {}});
  return points;
}

Trainings trainings_of(const std::string& name, const std::vector<double>& values) {
  return find_trainings(points_of(name, values), all_metrics().front());
}

TEST(TrainingText, TellsTheCurveAndItsNoise) {
  EXPECT_THAT(
      training_sentences(trainings_of("blue", {0.1, 0.3, 0.2, 0.4, 0.5, 0.3}), "HumanRankEval"),
      ElementsAre(
          "Training blue: 6 checkpoints from step 100 to 600; HumanRankEval went from 0.10 to 0.30, and is best at "
          "step "
          "500 (0.50).",
          "Training blue: from one checkpoint to the next, the value has a standard deviation of 0.12; the last 3 "
          "checkpoints have one of 0.10, and all values lie within 0.40: signal to noise 4.0 (without a signal, half "
          "of such "
          "trainings are above 2.7, one in twenty above 9.2)."));
  EXPECT_THAT(
      training_sentences(trainings_of("blue", {0.1, 0.3}), "acc"),
      ElementsAre(
          "Training blue: 2 checkpoints from step 100 to 200; acc went from 0.100 to 0.300, and is best at step "
          "200 (0.300)."));
  EXPECT_THAT(training_sentences({}, "acc"), ElementsAre());
}

TEST(TrainingText, TellsWhereItStoppedHelping) {
  auto trainings = trainings_of("blue", {0.1, 0.3, 0.2});
  trainings.each[0].peak = TrainingPeak{1, 1, 0.05};
  EXPECT_EQ(
      training_sentences(trainings, "x").back(),
      "Training blue: no checkpoint after step 200 is shown to be better than it (95 %, over the 1 checkpoint after it "
      "together), so these questions don't show that training helped after that.");
  trainings.each[0].peak = TrainingPeak{2, 0, 0.05};
  EXPECT_EQ(training_sentences(trainings, "x").back(),
            "Training blue: every earlier checkpoint has a later one that is shown to be better (95 %), so training "
            "helped to "
            "the end.");
}

TEST(TrainingText, TellsHowFarTrainingsLieApart) {
  std::vector<TrainingPoint> points = points_of("blue", {0.1, 0.3, 0.2, 0.4, 0.5, 0.3});
  std::ranges::copy(points_of("red", {0.1, 0.3, 0.2, 0.6, 0.7, 0.5}), std::back_inserter(points));
  const Trainings trainings = find_trainings(std::move(points), all_metrics().front());
  EXPECT_EQ(
      training_sentences(trainings, "x").back(),
      "The means of the last checkpoints of 2 trainings lie within 0.20, and a checkpoint has a standard deviation of "
      "0.10: signal to noise 2.0 (without a signal, half of such groups are above 0.60, one in twenty above 2.2).");
}

}  // namespace
}  // namespace hre
