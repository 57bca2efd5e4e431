#pragma once
/// A dataset's statistics, collected question by question without keeping texts.

#include <cstdint>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "hre/dataset.h"

namespace hre::data {

/// Values and their order statistics.
class Distribution {
 public:
  void add(double value);
  void add(const Distribution& other);
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(values_.size()); }
  [[nodiscard]] double mean() const;
  /// The q-quantile of the values, q in [0, 1], interpolated between neighbours as numpy.quantile does. The
  /// distribution must not be empty.
  [[nodiscard]] double quantile(double q) const;

  [[nodiscard]] bool all_whole() const;

  struct Bar {
    double low, high;  ///< values in [low, high); a single value if high == low
    int64_t count;
  };
  /// Counts for a histogram: one bar per value if there are few different whole numbers, otherwise bars between ...,
  /// -2, -1, 0, 1, 2, 5, 10, 20, ... from the smallest to the largest value.
  [[nodiscard]] std::vector<Bar> bars() const;

 private:
  void sort() const;

  mutable std::vector<double> values_;
  mutable bool sorted_ = true;
};

struct TopicStatistics {
  int64_t questions = 0;
  Distribution answers;           ///< per question
  Distribution question_lengths;  ///< code points
  Distribution answer_lengths;    ///< code points
  Distribution votes;
  int64_t tied = 0;      ///< questions in which two or more answers have the same votes
  int64_t constant = 0;  ///< questions in which all answers do: no correlation is defined
  int64_t empty_answers = 0;
  int64_t repeated = 0;  ///< questions whose text occurred before, in any topic

  /// Adds the other's values to these.
  void add(const TopicStatistics& other);
};

class DatasetStatistics {
 public:
  void add(const Question& question);
  /// In the order of first appearance.
  [[nodiscard]] const std::vector<std::string>& topics() const { return names_; }
  [[nodiscard]] const TopicStatistics& of(const std::string& topic) const { return topics_.at(topic); }
  [[nodiscard]] std::string fingerprint() const { return fingerprint_.value(); }

 private:
  std::vector<std::string> names_;
  std::map<std::string, TopicStatistics> topics_;
  std::unordered_set<std::string> seen_;  // hashes of questions' texts
  DatasetFingerprint fingerprint_;
};

}  // namespace hre::data
