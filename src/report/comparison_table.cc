#include "report/comparison_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/option_names.h"
#include "core/question_name.h"
#include "core/text.h"
#include "core/visible.h"
#include "report/gate_text.h"
#include "report/number_text.h"
#include "report/text_table.h"

namespace hre {
namespace {

/// "A (baseline:zstd)"
std::string named(const Comparison& comparison, size_t i) {
  return letter_of(i) + " (" + visible_line(comparison.runs[i].model) + ")";
}

/// "A (x), B (y) and C (z)"
std::string named(const Comparison& comparison, const std::vector<size_t>& runs) {
  std::string text;
  for (size_t i = 0; i < runs.size(); ++i) {
    if (i > 0) text += i + 1 == runs.size() ? " and " : ", ";
    text += named(comparison, runs[i]);
  }
  return text;
}

std::string difference_of(const PairedComparison& pair) {
  return with_interval(pair.difference.mean, interval_of(pair)) + ", " + p_equals(pair.p);
}

std::string verdict_on_two(const Comparison& comparison) {
  const PairedComparison& pair = comparison.pairs.front().comparison;
  if (!not_interchangeable(pair, comparison.options.level)) {
    return fmt::format("These {} can't tell {} and {} apart at {:g} %: A − B is {}.\n",
                       counted(pair.questions(), "question"), named(comparison, 0), named(comparison, 1),
                       100 * comparison.options.level, difference_of(pair));
  }
  if (comparison.not_settled(pair)) {
    return fmt::format("{} and {} are not interchangeable, but these {} don't settle which is better: A − B is {}.\n",
                       named(comparison, 0), named(comparison, 1), counted(pair.questions(), "question"),
                       difference_of(pair));
  }
  const bool a_better = (*pair.difference.mean > 0) != comparison.options.metric->lower_is_better;
  return fmt::format("{} is better than {}: A − B is {}.\n", named(comparison, a_better ? 0 : 1),
                     named(comparison, a_better ? 1 : 0), difference_of(pair));
}

/// Who is better than whom, best run first; then who can't be told apart.
std::string verdict_on_many(const Comparison& comparison) {
  const std::vector<size_t> order = comparison.by_rank();
  std::string text;
  for (const size_t run : order) {
    std::vector<size_t> worse;
    for (const size_t other : order) {
      if (other == run) continue;
      const PairedComparison& pair = comparison.pair_of(std::min(run, other), std::max(run, other)).comparison;
      const bool first_is_better = (pair.difference.mean.value_or(0) > 0) != comparison.options.metric->lower_is_better;
      if (comparison.told_apart(pair) && first_is_better == (run < other)) worse.push_back(other);
    }
    if (!worse.empty()) text += named(comparison, run) + " is better than " + named(comparison, worse) + ".\n";
  }
  for (const auto& group : comparison.groups) {
    if (group.size() > 1) text += named(comparison, group) + " can't be told apart.\n";
  }
  for (const ComparedPair& pair : comparison.pairs) {
    if (!comparison.not_settled(pair.comparison)) continue;
    text += named(comparison, {pair.a, pair.b}) + " are not interchangeable, but which is better is not settled.\n";
  }
  return text + fmt::format("({} shared by all runs; at {:g} %, corrected by Holm for {} pairs)\n",
                            counted(comparison.shared, "question"), 100 * comparison.options.level,
                            comparison.pairs.size());
}

std::string runs_table(const Comparison& comparison, int width) {
  const CompareOptions& options = comparison.options;
  const bool many = comparison.runs.size() > 2;
  const bool left_out = std::ranges::any_of(
      comparison.runs, [](const ComparedRun& run) { return run.only_here > 0 || run.undefined > 0; });
  std::vector<std::string> header = {"run", options.metric->title, "chance"};
  if (many) header.insert(header.end(), {"rank", "range"});
  if (left_out) header.insert(header.end(), {"not shared", "no value"});
  TextTable table(header);
  for (size_t i = 0; i < comparison.runs.size(); ++i) {
    const ComparedRun& run = comparison.runs[i];
    const Estimate& value = run.means(options.statistics.weights).*options.metric->of_summary;
    std::vector<std::string> cells = {letter_of(i) + "  " + run.model, with_interval(value),
                                      value.chance ? significant(value.chance) : "–"};
    if (many) {
      cells.push_back(fmt::format("{:g}", run.rank.rank));
      cells.push_back(fmt::format("{:g} to {:g}", run.rank.interval.low, run.rank.interval.high));
    }
    if (left_out) {
      cells.push_back(std::to_string(run.only_here));
      cells.push_back(std::to_string(run.undefined));
    }
    table.add_row(std::move(cells));
  }
  return table.render(width);
}

/// What stands under a table of pairs.
std::string legend(const std::string& adjusted, bool exact) {
  return "d_z: mean by standard deviation of the differences; w/t/l: questions won, tied, lost" + adjusted +
         (exact ? "; p is exact for up to 30 differences, and for any number of one size" : "") + ".\n";
}

bool is_exact(const PairedComparison& pair) { return pair.p && pair.p_exact(); }

std::vector<std::string> pair_header(std::string first, const std::string& a, const std::string& b) {
  return {std::move(first), "n", a, b, a + " − " + b + " [95 %]", "p", "d_z", "w/t/l"};
}

std::vector<std::string> pair_cells(std::string name, const PairedComparison& pair) {
  return {std::move(name),
          std::to_string(pair.questions()),
          two_decimals(pair.mean_a),
          two_decimals(pair.mean_b),
          with_interval(pair.difference.mean, interval_of(pair)),
          p_text(pair.p_holm ? pair.p_holm : pair.p),
          two_decimals(pair.effect_size),
          fmt::format("{}/{}/{}", pair.won, pair.tied, pair.lost)};
}

/// The p-values of topics are adjusted for their number; that of all questions is one test.
std::string topics_table(const Comparison& comparison, int width) {
  const ComparedPair& pair = comparison.pairs.front();
  TextTable table(pair_header("topic", "A", "B"));
  table.can_spare({"d_z"});
  for (size_t i = 0; i < pair.topics.size(); ++i) {
    const MetricSummary& means = comparison.runs[pair.a].summary.topics[i].metrics;
    table.add_row(
        pair_cells(comparison.topics[i] + chance_text(means.*comparison.options.metric->of_summary), pair.topics[i]));
  }
  table.add_rule();
  table.add_row(pair_cells("all", pair.comparison));
  return table.render(width) +
         wrapped(legend(pair.topics.size() > 1 ? "; p of topics is adjusted by Holm for their number" : "",
                        is_exact(pair.comparison) || std::ranges::any_of(pair.topics, is_exact)),
                 width);
}

std::string pairs_table(const Comparison& comparison, int width) {
  TextTable table(pair_header("pair", "first", "second"));
  table.can_spare({"d_z"});
  for (const ComparedPair& pair : comparison.pairs) {
    table.add_row(pair_cells(letter_of(pair.a) + " − " + letter_of(pair.b), pair.comparison));
  }
  const bool exact = std::ranges::any_of(comparison.pairs, [](const auto& pair) { return is_exact(pair.comparison); });
  return table.render(width) + wrapped(legend("; p is adjusted by Holm for the number of pairs", exact), width);
}

std::optional<Interval> bootstrap_of(const Estimate& e) {
  return e.bootstrap_low ? std::optional(Interval{*e.bootstrap_low, *e.bootstrap_high}) : std::nullopt;
}

/// What each interval of the differences is about.
std::string clustered_table(const Comparison& comparison, int width) {
  if (!comparison.pairs.front().clustered) return "";
  TextTable table({"pair", "other questions of these topics [95 %]", "by", "clusters (effective)", "standard error",
                   std::string(cluster_generalisation(comparison.pairs.front().clustered->kind)) + " [95 %]",
                   "by bootstrap over clusters"});
  table.can_spare({"standard error"});
  for (const ComparedPair& pair : comparison.pairs) {
    const ClusteredMean& clustered = pair.clustered->mean;
    const Estimate& e = clustered.estimate;
    const auto bootstrap = bootstrap_of(e);
    table.add_row({letter_of(pair.a) + " − " + letter_of(pair.b),
                   with_interval(pair.comparison.difference.mean, interval_of(pair.comparison)),
                   name_of(kClusterKinds, pair.clustered->kind),
                   fmt::format("{} ({:.1f})", clustered.clusters, clustered.effective), significant(e.stderr_),
                   with_interval(e), bootstrap ? interval_text(*bootstrap) : "–"});
  }
  return '\n' + table.render(width);
}

/// What of the errors comes from measuring items only so often.
std::string repetition_table(const Comparison& comparison, int width) {
  if (std::ranges::none_of(comparison.runs, [](const ComparedRun& run) { return run.repetition.has_value(); })) {
    return "";
  }
  TextTable table({"standard error of", "is", "items alone", "measurements alone", "measurements per item"});
  const auto add = [&](std::string name, std::optional<double> error, const RepetitionParts& parts, std::string times) {
    table.add_row({std::move(name), significant(error), significant(parts.items), significant(parts.measurements),
                   std::move(times)});
  };
  const Weights weights = comparison.options.statistics.weights;
  for (size_t i = 0; i < comparison.runs.size(); ++i) {
    const ComparedRun& run = comparison.runs[i];
    if (!run.repetition) continue;
    add(letter_of(i), (run.means(weights).*comparison.options.metric->of_summary).stderr_, run.repetition->parts,
        fmt::format("{:.3g}", run.repetition->measurements));
  }
  for (const ComparedPair& pair : comparison.pairs) {
    if (!pair.repetition) continue;
    add(letter_of(pair.a) + " − " + letter_of(pair.b), pair.comparison.difference.stderr_, *pair.repetition, "");
  }
  return '\n' + table.render(width) +
         wrapped(
             "The squares of the two parts add up to that of the whole, unless the first is estimated as 0. More "
             "measurements of the same items shrink only the second.\n",
             width);
}

std::string gates_text(const Comparison& comparison) {
  std::string text;
  for (const GateDecision& gate : comparison.gates) {
    const std::string b = letter_of(gate.against);
    text += fmt::format("Gate, A against {}: {}, ", b, gate_verdict_word(gate.verdict));
    text += fmt::format("A − {} = {} with margin {:g}, {}", b, two_decimals(gate.difference), std::abs(gate.margin),
                        p_equals(gate.p_holm));
    if (comparison.shared < kFewestForVerdict) {
      text += fmt::format("; a verdict needs {} questions, and these are {}", kFewestForVerdict, comparison.shared);
    }
    if (gate.verdict == GateVerdict::kInconclusive && gate.questions_needed) {
      text += fmt::format("; an equal model would pass with {} questions in 80 % of the cases", *gate.questions_needed);
    }
    text += '\n';
  }
  return text;
}

std::string moved_table(const Comparison& comparison, int width) {
  if (comparison.moved.empty()) return "";
  TextTable table({"moved most", "A", "B", "A − B"});
  for (const MovedQuestion& question : comparison.moved) {
    table.add_row({question_name(question.topic, question.id), two_decimals(question.a), two_decimals(question.b),
                   two_decimals(question.a - question.b)});
  }
  return "\n" + table.render(width);
}

/// Bits per byte, beside the metric that the runs are compared by.
std::string bits_table(const Comparison& comparison, int width) {
  if (comparison.bits.empty()) return "";
  constexpr const char* kNames[] = {"all", "best by votes", "worst by votes", "worst − best"};
  const std::string title = "\nBits per byte of the answers (lower is better)\n\n";
  const auto name = [&](const Metric& metric) { return kNames[&metric - bits_metrics().data()]; };
  if (comparison.runs.size() == 2) {
    TextTable table(pair_header("answers", "A", "B"));
    table.can_spare({"d_z"});
    for (const ComparedMetric& bits : comparison.bits) {
      table.add_row(pair_cells(name(*bits.metric), bits.pairs.front()));
    }
    return title + table.render(width) + wrapped("p of these rows is not adjusted for their number.\n", width);
  }
  std::vector<std::string> header = {"run"};
  for (const ComparedMetric& bits : comparison.bits) header.emplace_back(name(*bits.metric));
  TextTable table(header);
  for (size_t i = 0; i < comparison.runs.size(); ++i) {
    std::vector<std::string> cells = {letter_of(i) + "  " + comparison.runs[i].model};
    for (const ComparedMetric& bits : comparison.bits) cells.push_back(with_interval(bits.runs[i]));
    table.add_row(std::move(cells));
  }
  return title + table.render(width);
}

std::string left_out(const Comparison& comparison) {
  std::vector<std::string> parts;
  if (comparison.undefined > 0)
    parts.push_back(fmt::format("{} left out, without a value in some run", comparison.undefined));
  if (comparison.different > 0)
    parts.push_back(fmt::format("{} left out, with different answers", comparison.different));
  return parts.empty() ? "" : " (" + join(parts, "; ") + ")";
}

std::string decision_text(const Decision& decision) {
  const std::string after = fmt::format("ecided after {} of {} questions", decision.used, decision.questions);
  return (decision.decided ? "D" + after + fmt::format(" ({:.0f} % saved)", 100 * decision.saved()) : "Not d" + after) +
         ": A − B in " + interval_text(decision.interval) +
         ", valid at every look. The other intervals and p-values assume a fixed number of questions, and are not "
         "valid after early stopping.\n";
}

std::string clustered_line(const ClusteredEstimate& clustered) {
  const Estimate& e = clustered.mean.estimate;
  std::string text =
      fmt::format("for {}: standard error {}", cluster_generalisation(clustered.kind), significant(e.stderr_));
  if (e.ci_low) text += ", 95 % interval " + interval_text({*e.ci_low, *e.ci_high});
  if (const auto interval = bootstrap_of(e)) text += ", by bootstrap over clusters " + interval_text(*interval);
  return text + fmt::format(" (clusters by {}: {}, effective {:.1f}{})\n", name_of(kClusterKinds, clustered.kind),
                            clustered.mean.clusters, clustered.mean.effective,
                            e.ci_low ? "" : fmt::format("; an interval needs {:g}", kFewestClusters));
}

}  // namespace

std::string length_table(std::span<const ComparedRun> runs, Weights weights, int width) {
  if (std::ranges::none_of(runs, [&](const ComparedRun& run) { return run.length(weights).value.mean.has_value(); })) {
    return "";
  }
  TextTable table({"Pearson is", "through length", "+ beyond length", "length alone"});
  for (size_t i = 0; i < runs.size(); ++i) {
    const LengthParts& length = runs[i].length(weights);
    const Estimate& value = length.value;
    table.add_row(
        {letter_of(i) + "  " + (value.mean ? rounded(*value.mean, decimals_for(value.stderr_.value_or(0))) : "–"),
         with_interval(length.through), with_interval(length.beyond),
         with_interval(runs[i].means(weights).length_only)});
  }
  TextTable votes({"Pearson", "of log votes", "of ranked votes"});
  for (size_t i = 0; i < runs.size(); ++i) {
    const MetricSummary& means = runs[i].means(weights);
    votes.add_row({letter_of(i), with_interval(means.pearson_log), with_interval(means.pearson_ranks)});
  }
  return '\n' + table.render(width) + '\n' + votes.render(width);
}

std::string clustered_text(const ClusteredValue& value, const std::string& name) {
  return name + clustered_line(value.micro) + name + "macro average " + clustered_line(value.macro);
}

std::string comparison_text(const Comparison& comparison, int width) {
  const bool are_two = comparison.runs.size() == 2;
  std::string text = are_two ? verdict_on_two(comparison) : verdict_on_many(comparison);
  if (comparison.decision) text += decision_text(*comparison.decision);
  text += gates_text(comparison);
  for (const std::string& note : comparison.notes) text += visible_line(note) + '\n';
  text += fmt::format(
      "\n{} in {}{}; {}{}, with equal weight for each {}\n", counted(comparison.shared, "shared question"),
      counted(static_cast<int64_t>(comparison.topics.size()), "topic"), left_out(comparison),
      comparison.options.metric->title, comparison.options.metric->lower_is_better ? " (lower is better)" : "",
      comparison.options.statistics.weights == Weights::kTopics ? "topic" : "question");
  return wrapped(text, width) + '\n' + runs_table(comparison, width) +
         length_table(comparison.runs, comparison.options.statistics.weights, width) +
         repetition_table(comparison, width) + '\n' +
         (are_two ? topics_table(comparison, width) : pairs_table(comparison, width)) +
         clustered_table(comparison, width) + bits_table(comparison, width) + moved_table(comparison, width);
}

}  // namespace hre
