#pragma once
/// Which questions count: conditions such as "topic=py*", "length<500", "date>=2019-07", "tag=c++".

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/metadata.h"
#include "hre/dataset.h"
#include "hre/result.h"

namespace hre::data {

/// What conditions look at. Nothing where it is not known: then no condition on it holds.
struct QuestionFacts {
  std::string topic, id;
  std::optional<double> answers;  ///< how many
  std::optional<double> length;   ///< mean code points of the answers
  std::optional<double> votes;    ///< the most that an answer has
  const QuestionMetadata* metadata = nullptr;
};

QuestionFacts facts_of(const Question& question);

class Condition {
 public:
  /// FIELD OPERATOR VALUE: topic, id and tag with = and != and a glob; answers, length and votes with =, !=, <, <=, >,
  /// >= and a number; date with these and a date (a year or month is all of its days). Input errors say what is wrong.
  static Result<Condition> parse(std::string_view text);

  [[nodiscard]] bool holds(const QuestionFacts& facts) const;
  /// Dates and tags are in a dataset's metadata alone.
  [[nodiscard]] bool needs_metadata() const { return field_ == "date" || field_ == "tag"; }

 private:
  [[nodiscard]] bool compares(double low, double high, double value) const;

  std::string field_, operator_, glob_;
  double low_ = 0, high_ = 0;  // a number, or a period: low_ <= t < high_
};

}  // namespace hre::data
