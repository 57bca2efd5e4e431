#include "report/comparison_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/text.h"
#include "core/visible.h"
#include "report/text_table.h"

namespace hre {
namespace {

/// Names may be long, so what goes through length stands in a table of its own.
std::string runs_tables(const Comparison& comparison) {
  const CompareOptions& options = comparison.options;
  const Weights weights = options.statistics.weights;
  const bool many = comparison.runs.size() > 2;
  const bool left_out = std::ranges::any_of(
      comparison.runs, [](const ComparedRun& run) { return run.only_here > 0 || run.undefined > 0; });
  std::vector<std::string> header = {"run", options.metric->title, "chance"};
  if (many) header.insert(header.end(), {"rank", "range"});
  if (left_out) header.insert(header.end(), {"not shared", "undefined"});
  TextTable table(header);
  TextTable more({"Pearson is", "through length", "+ beyond length", "length alone"});
  for (size_t i = 0; i < comparison.runs.size(); ++i) {
    const ComparedRun& run = comparison.runs[i];
    const MetricSummary& means = run.means(weights);
    const LengthParts& length = run.length(weights);
    const Estimate& value = means.*options.metric->of_summary;
    std::vector<std::string> cells = {letter_of(i) + "  " + run.model, with_interval(value), fixed(value.chance)};
    more.add_row({letter_of(i) + "  " + fixed(length.value.mean), with_interval(length.through),
                  with_interval(length.beyond), with_interval(means.length_only)});
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
  const bool has_length = std::ranges::any_of(
      comparison.runs, [&](const ComparedRun& run) { return run.length(weights).value.mean.has_value(); });
  return has_length ? table.render() + '\n' + more.render() : table.render();
}

/// What stands under a table of pairs.
std::string legend(bool exact) {
  return fmt::format(
      "Holm: p adjusted for the number of tests; d_z: mean by standard deviation;\nw/t/l: won, tied, lost{}\n",
      exact ? "; p is exact for up to 30 differences" : "");
}

bool is_exact(const PairedComparison& pair) { return pair.p && pair.p_exact(); }

std::vector<std::string> pair_cells(std::string name, const PairedComparison& pair, bool adjusted) {
  std::vector<std::string> cells = {std::move(name),
                                    std::to_string(pair.questions()),
                                    fixed(pair.mean_a),
                                    fixed(pair.mean_b),
                                    with_interval(pair.difference.mean, interval_of(pair)),
                                    p_text(pair.p)};
  if (adjusted) cells.push_back(p_text(pair.p_holm));
  cells.push_back(pair.effect_size ? fmt::format("{:.2f}", *pair.effect_size) : "–");
  cells.push_back(fmt::format("{}/{}/{}", pair.won, pair.tied, pair.lost));
  return cells;
}

std::vector<std::string> pair_header(std::string first, const std::string& a, const std::string& b, bool adjusted) {
  std::vector<std::string> header = {std::move(first), "n", a, b, a + " − " + b + " [95 %]", "p"};
  if (adjusted) header.emplace_back("Holm");
  header.emplace_back("d_z");
  header.emplace_back("w/t/l");
  return header;
}

std::string two_runs(const Comparison& comparison) {
  const ComparedPair& pair = comparison.pairs.front();
  const bool adjusted = pair.topics.size() > 1;
  TextTable table(pair_header("topic", "A", "B", adjusted));
  for (size_t i = 0; i < pair.topics.size(); ++i) {
    const MetricSummary& means = comparison.runs[pair.a].summary.topics[i].metrics;
    table.add_row(pair_cells(comparison.topics[i] + chance_text(means.*comparison.options.metric->of_summary),
                             pair.topics[i], adjusted));
  }
  table.add_rule();
  std::vector<std::string> all = pair_cells("all", pair.comparison, false);
  if (adjusted) all.insert(all.begin() + 6, "");
  table.add_row(std::move(all));
  return table.render() + legend(is_exact(pair.comparison) || std::ranges::any_of(pair.topics, is_exact));
}

/// What each interval of the differences is about.
std::string clustered_table(const Comparison& comparison) {
  if (!comparison.pairs.front().clustered) return "";
  TextTable table({"pair", "other questions of these topics [95 %]", "by", "clusters (effective)", "± with clusters",
                   std::string(cluster_generalisation(comparison.pairs.front().clustered->kind)) + " [95 %]"});
  for (const ComparedPair& pair : comparison.pairs) {
    const ClusteredMean& clustered = pair.clustered->mean;
    const Estimate& e = clustered.estimate;
    table.add_row({letter_of(pair.a) + " − " + letter_of(pair.b),
                   with_interval(pair.comparison.difference.mean, interval_of(pair.comparison)),
                   cluster_name(pair.clustered->kind),
                   fmt::format("{} ({:.1f})", clustered.clusters, clustered.effective), fixed(e.stderr_),
                   with_interval(e)});
  }
  return '\n' + table.render();
}

std::string gates_text(const Comparison& comparison) {
  std::string text;
  for (const GateDecision& gate : comparison.gates) {
    const std::string b = letter_of(gate.against);
    text += fmt::format("Gate, A against {}: {}, ", b,
                        gate.verdict == GateVerdict::kPass   ? "PASS"
                        : gate.verdict == GateVerdict::kFail ? "FAIL"
                                                             : "INCONCLUSIVE");
    text +=
        fmt::format("A − {} = {} with margin {:g}, p {}", b, fixed(gate.difference), gate.margin, p_text(gate.p_holm));
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

std::string many_runs(const Comparison& comparison) {
  TextTable table(pair_header("pair", "first", "second", true));
  for (const ComparedPair& pair : comparison.pairs) {
    table.add_row(pair_cells(letter_of(pair.a) + " − " + letter_of(pair.b), pair.comparison, true));
  }
  const bool exact = std::ranges::any_of(comparison.pairs, [](const auto& pair) { return is_exact(pair.comparison); });
  std::string text = table.render() + legend(exact) + "\nGroups that can't be told apart, best first: ";
  for (size_t i = 0; i < comparison.groups.size(); ++i) {
    std::vector<std::string> letters;
    for (const size_t member : comparison.groups[i]) letters.push_back(letter_of(member));
    text += (i == 0 ? "" : "; ") + join(letters, " ");
  }
  return text + '\n';
}

std::string moved_table(const Comparison& comparison) {
  if (comparison.moved.empty()) return "";
  TextTable table({"moved most", "A", "B", "A − B"});
  for (const MovedQuestion& question : comparison.moved) {
    table.add_row(
        {question.topic + "  " + question.id, fixed(question.a), fixed(question.b), fixed(question.a - question.b)});
  }
  return "\n" + table.render();
}

/// Bits per byte, beside the metric that the runs are compared by.
std::string bits_tables(const Comparison& comparison) {
  if (comparison.bits.empty()) return "";
  constexpr const char* kNames[] = {"all answers", "best by votes", "worst by votes", "worst − best"};
  const auto name = [&](const Metric& metric) { return kNames[&metric - bits_metrics().data()]; };
  if (comparison.runs.size() == 2) {
    TextTable table(pair_header("bits per byte of", "A", "B", false));
    for (const ComparedMetric& bits : comparison.bits) {
      table.add_row(pair_cells(name(*bits.metric), bits.pairs.front(), false));
    }
    return '\n' + table.render();
  }
  std::vector<std::string> header = {"bits per byte of"};
  for (const ComparedMetric& bits : comparison.bits) header.emplace_back(name(*bits.metric));
  TextTable table(header);
  for (size_t i = 0; i < comparison.runs.size(); ++i) {
    std::vector<std::string> cells = {letter_of(i) + "  " + comparison.runs[i].model};
    for (const ComparedMetric& bits : comparison.bits) cells.push_back(with_interval(bits.runs[i]));
    table.add_row(std::move(cells));
  }
  return '\n' + table.render();
}

std::string left_out(const Comparison& comparison) {
  std::vector<std::string> parts;
  if (comparison.undefined > 0)
    parts.push_back(fmt::format("{} left out because they have no value in some run", comparison.undefined));
  if (comparison.different > 0)
    parts.push_back(fmt::format("{} left out because their answers differ", comparison.different));
  return parts.empty() ? "" : " (" + join(parts, "; ") + ")";
}

std::string decision_text(const Decision& decision) {
  const double saved = 100 * (1 - static_cast<double>(decision.used) / static_cast<double>(decision.questions));
  const std::string interval = fmt::format("[{:.4f}, {:.4f}]", decision.interval.low, decision.interval.high);
  return decision.decided
             ? fmt::format("Decided after {} of {} questions ({:.0f} % saved): A − B in {}, valid at every look\n",
                           decision.used, decision.questions, saved, interval)
             : fmt::format("Not decided after {} of {} questions: A − B in {}, valid at every look\n", decision.used,
                           decision.questions, interval);
}

std::string verdict(const Comparison& comparison) {
  const PairedComparison& pair = comparison.pairs.front().comparison;
  const double level = 100 * comparison.options.level;
  if (!comparison.told_apart(pair)) {
    return fmt::format("These {} questions can't tell A and B apart at {:g} %: A − B is {}, p {}.\n", pair.questions(),
                       level, with_interval(pair.difference.mean, interval_of(pair)), p_text(pair.p));
  }
  const bool a_better = (*pair.difference.mean > 0) != comparison.options.metric->lower_is_better;
  return fmt::format("{} is better than {} by {:.4f} (p {}{}).\n", a_better ? "A" : "B", a_better ? "B" : "A",
                     std::abs(*pair.difference.mean), *pair.p < 1e-4 ? "" : "= ", p_text(pair.p));
}

}  // namespace

std::string with_interval(const std::optional<double>& value, const std::optional<Interval>& interval) {
  std::string text = fixed(value);
  if (value && interval) text += fmt::format(" [{:7.4f}, {:7.4f}]", interval->low, interval->high);
  return text;
}

std::string with_interval(const Estimate& estimate) {
  if (estimate.ci_low) return with_interval(estimate.mean, Interval{*estimate.ci_low, *estimate.ci_high});
  return fixed(estimate.mean);
}

std::string chance_text(const Estimate& estimate) {
  return estimate.chance.value_or(0) == 0 ? "" : fmt::format(" (chance {:.4f})", *estimate.chance);
}

std::string p_text(const std::optional<double>& p, bool exact) {
  if (!p) return "–";
  const std::string text = *p < 1e-4 ? "< 0.0001" : fmt::format("{:.4f}", *p);
  return exact ? text + " (exact)" : text;
}

std::string comparison_text(const Comparison& comparison) {
  std::string text;
  for (const std::string& note : comparison.notes) text += visible_line(note) + '\n';
  text +=
      fmt::format("{} in {}{}; {}, with equal weight for each {}\n\n", counted(comparison.shared, "shared question"),
                  counted(static_cast<int64_t>(comparison.topics.size()), "topic"), left_out(comparison),
                  comparison.options.metric->title,
                  comparison.options.statistics.weights == Weights::kTopics ? "topic" : "question");
  text += runs_tables(comparison) + '\n';
  text += comparison.runs.size() == 2 ? two_runs(comparison) : many_runs(comparison);
  text +=
      clustered_table(comparison) + bits_tables(comparison) + moved_table(comparison) + '\n' + gates_text(comparison);
  if (comparison.decision) {
    text += decision_text(*comparison.decision) +
            "The other intervals and p-values assume a fixed number of questions, and are not valid after early "
            "stopping.\n";
  }
  return comparison.runs.size() == 2 ? text + verdict(comparison) : text;
}

}  // namespace hre
