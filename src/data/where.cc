#include "data/where.h"

#include <algorithm>
#include <array>

#include "core/dates.h"
#include "core/text.h"

namespace hre::data {
namespace {

constexpr std::array kOperators = {"<=", ">=", "!=", "=", "<", ">"};  // longer ones first

bool is_text(const std::string& field) { return field == "topic" || field == "id" || field == "tag"; }

Error unknown_field(const std::string& field, std::string_view text) {
  static const std::vector<std::string> names = {"topic", "id", "tag", "answers", "length", "votes", "date"};
  const auto nearest = nearest_name(field, names);
  return {ErrorCode::kInput, "unknown field '" + field + "' in \"" + std::string(text) + "\"", "‹where›",
          nearest ? "did you mean " + *nearest + "?" : "the fields are " + join(names)};
}

bool any_tag(const QuestionMetadata& metadata, const std::string& glob) {
  return std::ranges::any_of(metadata.tags, [&](const std::string& tag) { return matches_glob(glob, tag); });
}

}  // namespace

QuestionFacts facts_of(const Question& question) {
  QuestionFacts facts{question.topic, question.id, {}, {}, {}, nullptr};
  facts.answers = static_cast<double>(question.answers.size());
  double length = 0;
  for (const Answer& answer : question.answers) {
    length += static_cast<double>(count_code_points(answer.text));
    facts.votes = std::max(facts.votes.value_or(answer.votes), answer.votes);
  }
  if (!question.answers.empty()) facts.length = length / *facts.answers;
  return facts;
}

Result<Condition> Condition::parse(std::string_view text) {
  const size_t at = text.find_first_of("<>=!");
  const std::string_view rest = at == std::string_view::npos ? "" : text.substr(at);
  const auto op = std::ranges::find_if(kOperators, [&](const char* o) { return rest.starts_with(o); });
  if (op == kOperators.end()) {
    return input_error("\"" + std::string(text) + "\" is not a condition", "‹where›",
                       "conditions look like topic=python, length<500 or date>=2019");
  }
  Condition condition;
  condition.field_ = text.substr(0, at);
  condition.operator_ = *op;
  const std::string value(rest.substr(condition.operator_.size()));
  const std::string& field = condition.field_;
  if (is_text(field)) {
    condition.glob_ = value;
    if (condition.operator_ == "=" || condition.operator_ == "!=") return condition;
    return input_error(field + " can only be compared with = or !=", "‹where›");
  }
  if (field == "date") {
    const auto period = parse_period(value);
    if (!period)
      return input_error("'" + value + "' is not a date", "‹where›", "write dates as 2019, 2019-07 or 2019-07-31");
    condition.low_ = period->begin_days();
    condition.high_ = period->end_days();
    return condition;
  }
  if (field != "answers" && field != "length" && field != "votes")
    return tl::unexpected<Error>(unknown_field(field, text));
  const auto number = parse_finite_number(value);
  if (!number) return input_error("'" + value + "' is not a number", "‹where›");
  condition.low_ = condition.high_ = *number;
  return condition;
}

bool Condition::compares(double low, double high, double value) const {
  const bool inside = low == high ? value == low : low <= value && value < high;
  if (operator_ == "=") return inside;
  if (operator_ == "!=") return !inside;
  if (operator_ == "<") return value < low;
  if (operator_ == "<=") return value < low || inside;
  if (operator_ == ">=") return value >= low;
  return value >= low && !inside;
}

bool Condition::holds(const QuestionFacts& facts) const {
  const bool equal = operator_ == "=";
  if (field_ == "topic") return (matches_glob(glob_, facts.topic) || topic_of_split(glob_) == facts.topic) == equal;
  if (field_ == "id") return matches_glob(glob_, facts.id) == equal;
  if (field_ == "tag") return facts.metadata && any_tag(*facts.metadata, glob_) == equal;
  const std::optional<double> value = field_ == "date"      ? facts.metadata ? facts.metadata->created : std::nullopt
                                      : field_ == "answers" ? facts.answers
                                      : field_ == "length"  ? facts.length
                                                            : facts.votes;
  return value && compares(low_, high_, *value);
}

}  // namespace hre::data
