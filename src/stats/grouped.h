#pragma once
/// Questions grouped by topic, as all statistics of several topics take them: a span of values, topic after
/// topic, and the number of questions of each topic (zero is allowed; the sizes add up to the values).

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace hre {

struct Interval {
  double low = 0;
  double high = 0;

  [[nodiscard]] double width() const { return high - low; }
  [[nodiscard]] bool contains(double value) const { return low <= value && value <= high; }
  bool operator==(const Interval&) const = default;
};

/// What a mean over several topics gives the same weight to.
enum class Weights {
  kQuestions,  ///< the micro mean
  kTopics,     ///< the macro mean, over the topics that have questions
};

/// Calls visit(topic, begin, n) for each topic that has questions.
template <class Visit>
void for_each_topic(std::span<const size_t> sizes, Visit visit) {
  size_t begin = 0;
  for (size_t topic = 0; topic < sizes.size(); ++topic) {
    if (sizes[topic] > 0) visit(topic, begin, sizes[topic]);
    begin += sizes[topic];
  }
}

/// Groups of questions of which each tells how its own spread: topics of two questions or more. A topic of one question
/// can't, so all such topics are one stratum together: what sets them apart counts as spread, which makes errors larger
/// rather than smaller. A single such topic joins the smallest other one where questions weigh the same; where topics
/// do, its share has no known error.
struct Strata {
  std::vector<size_t> order;   ///< questions by position, stratum after stratum
  std::vector<size_t> sizes;   ///< of each stratum
  std::vector<size_t> topics;  ///< the first topic of each stratum: the number that its draws go by
  bool known = false;          ///< every stratum has two questions or more
};
Strata strata_of(std::span<const size_t> sizes, Weights weights);

/// Welch-Satterthwaite degrees of freedom of a stratified mean; nothing where all spread is zero.
std::optional<double> degrees_of_freedom(std::span<const double> influence_values, std::span<const size_t> sizes,
                                         Weights weights);

/// The degrees of freedom of a mean's error where all values have the same variance, by Satterthwaite's formula: what
/// the sizes alone promise. With topics of equal weight, one of two questions beside one of a hundred has 1.0, as its
/// error is nearly all of the mean's. 0 where the strata aren't known.
double planned_degrees(std::span<const size_t> sizes, Weights weights);

/// Each question's share of the mean; the shares add up to 1.
std::vector<double> question_weights(std::span<const size_t> sizes, Weights weights);

}  // namespace hre
