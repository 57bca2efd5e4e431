#pragma once
/// Conditions that select questions, such as "topic=py*", "length<500", "date>=2019-07", "tag=c++".

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/metadata.h"
#include "hre/dataset.h"
#include "hre/result.h"

namespace hre::data {

/// The properties that conditions test. If a property is unknown, no condition on it holds.
struct QuestionFacts {
  std::string topic, id;
  std::optional<double> answers;  ///< their number
  std::optional<double> length;   ///< mean code points of the answers
  std::optional<double> votes;    ///< the most votes of any answer
  const QuestionMetadata* metadata = nullptr;
};

QuestionFacts facts_of(const Question& question);

class Condition {
 public:
  /// Parses FIELD OPERATOR VALUE: topic, id and tag with = and != and a glob; answers, length and votes with =, !=, <,
  /// <=, >, >= and a number; date with these operators and a date (a year or month means all of its days). Input errors
  /// say what is wrong.
  static Result<Condition> parse(std::string_view text);

  [[nodiscard]] bool holds(const QuestionFacts& facts) const;
  /// Whether the condition needs the dataset's metadata, which alone has dates and tags.
  [[nodiscard]] bool needs_metadata() const { return field_ == "date" || field_ == "tag"; }

 private:
  [[nodiscard]] bool compares(double low, double high, double value) const;

  std::string field_, operator_, glob_;
  double low_ = 0, high_ = 0;  // a number, or a period: low_ <= t < high_
};

}  // namespace hre::data
