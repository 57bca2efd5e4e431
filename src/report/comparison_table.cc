#include "report/comparison_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/text.h"
#include "report/text_table.h"

namespace hre {
namespace {

std::string fixed(const std::optional<double>& value) { return value ? fmt::format("{:.4f}", *value) : "–"; }

// The mean that the comparison is of: micro, or macro where topics weigh the same.
const MetricSummary& means_of(const ComparedRun& run, Weights weights) {
  return weights == Weights::kTopics ? run.summary.macro : run.summary.micro;
}

/// Names may be long, so what length explains, and what is left out, stands in a table of its own.
std::string runs_tables(const RunComparison& comparison) {
  const CompareOptions& options = comparison.options;
  const bool many = comparison.runs.size() > 2;
  std::vector<std::string> header = {"run", options.metric->title};
  if (many) header.insert(header.end(), {"rank", "95 %", "best"});
  TextTable table(header);
  TextTable more({"run", "length alone", "given length", "through length", "not shared", "undefined"});
  for (size_t i = 0; i < comparison.runs.size(); ++i) {
    const ComparedRun& run = comparison.runs[i];
    const MetricSummary& means = means_of(run, options.statistics.weights);
    std::vector<std::string> cells = {run_letter(i) + "  " + run.model,
                                      with_interval(means.*options.metric->of_summary)};
    more.add_row({run_letter(i), with_interval(means.length_only), with_interval(means.given_length),
                  share_text(run.summary.length_share), std::to_string(run.only_here), std::to_string(run.undefined)});
    if (many) {
      cells.push_back(fmt::format("{:g}", run.rank.rank));
      cells.push_back(fmt::format("{:g} to {:g}", run.rank.interval.low, run.rank.interval.high));
      cells.push_back(fmt::format("{:.0f} %", 100 * run.rank.best));
    }
    table.add_row(std::move(cells));
  }
  return table.render() + '\n' + more.render();
}

/// What stands under a table of pairs.
std::string legend(bool exact) {
  return fmt::format("w/t/l: won, tied, lost{}\n", exact ? "; p is exact for up to 30 differences" : "");
}

bool is_exact(const PairedComparison& pair) { return pair.p && pair.p_exact; }

std::vector<std::string> pair_cells(std::string name, const PairedComparison& pair, bool adjusted) {
  const std::optional<Interval> student =
      pair.difference.ci_low ? std::optional(Interval{*pair.difference.ci_low, *pair.difference.ci_high})
                             : std::nullopt;
  std::vector<std::string> cells = {std::move(name),
                                    std::to_string(pair.difference.n),
                                    fixed(pair.mean_a),
                                    fixed(pair.mean_b),
                                    with_interval(pair.difference.mean, pair.bootstrap ? pair.bootstrap : student),
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

std::string two_runs(const RunComparison& comparison) {
  const bool adjusted = comparison.by_topic.size() > 1;
  TextTable table(pair_header("topic", "A", "B", adjusted));
  for (size_t i = 0; i < comparison.by_topic.size(); ++i) {
    table.add_row(pair_cells(comparison.topics[i], comparison.by_topic[i], adjusted));
  }
  table.add_rule();
  std::vector<std::string> all = pair_cells("all", comparison.pairs.front().comparison, false);
  if (adjusted) all.insert(all.begin() + 6, "");
  table.add_row(std::move(all));
  const bool exact =
      is_exact(comparison.pairs.front().comparison) || std::ranges::any_of(comparison.by_topic, is_exact);
  return table.render() + legend(exact);
}

std::string many_runs(const RunComparison& comparison) {
  TextTable table(pair_header("pair", "first", "second", true));
  for (const PairOfRuns& pair : comparison.pairs) {
    table.add_row(pair_cells(run_letter(pair.a) + " − " + run_letter(pair.b), pair.comparison, true));
  }
  const bool exact = std::ranges::any_of(comparison.pairs, [](const auto& pair) { return is_exact(pair.comparison); });
  std::string text = table.render() + legend(exact) + "\nGroups that can't be told apart, best first: ";
  for (size_t i = 0; i < comparison.groups.size(); ++i) {
    std::vector<std::string> letters;
    for (const size_t member : comparison.groups[i]) letters.push_back(run_letter(member));
    text += (i == 0 ? "" : "; ") + join(letters, " ");
  }
  return text + '\n';
}

std::string moved_table(const RunComparison& comparison) {
  if (comparison.moved.empty()) return "";
  TextTable table({"moved most", "A", "B", "A − B"});
  for (const MovedQuestion& question : comparison.moved) {
    table.add_row({question.id, fixed(question.a), fixed(question.b), fixed(question.a - question.b)});
  }
  return "\n" + table.render();
}

std::string left_out(const RunComparison& comparison) {
  std::vector<std::string> parts;
  if (comparison.undefined > 0)
    parts.push_back(fmt::format("{} without a value in some run left out", comparison.undefined));
  if (comparison.different > 0) parts.push_back(fmt::format("{} whose answers differ left out", comparison.different));
  return parts.empty() ? "" : " (" + join(parts, "; ") + ")";
}

std::string one_line(std::string text) {
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at)) text.replace(at, 1, "\\n");
  return text;
}

std::string decision_text(const Decision& decision) {
  const double saved = 100 * (1 - static_cast<double>(decision.used) / static_cast<double>(decision.questions));
  const std::string interval = fmt::format("[{:.4f}, {:.4f}]", decision.interval.low, decision.interval.high);
  return decision.decided
             ? fmt::format("Decided after {} of {} questions ({:.0f} % saved): A − B in {}, valid at every look\n",
                           decision.used, decision.questions, saved, interval)
             : fmt::format("Not decided by {} of {} questions: A − B in {}, valid at every look\n", decision.used,
                           decision.questions, interval);
}

std::string verdict(const RunComparison& comparison) {
  const PairedComparison& pair = comparison.pairs.front().comparison;
  const double level = 100 * comparison.options.level;
  if (!comparison.told_apart(pair)) return fmt::format("A and B can't be told apart at {:g} %.\n", level);
  const bool a_better = *pair.difference.mean > 0;
  return fmt::format("{} is better than {} by {:.4f} (p {} {}).\n", a_better ? "A" : "B", a_better ? "B" : "A",
                     std::abs(*pair.difference.mean), *pair.p < 1e-4 ? "" : "=", p_text(pair.p));
}

}  // namespace

std::string with_interval(const std::optional<double>& value, const std::optional<Interval>& interval) {
  std::string text = fixed(value);
  if (value && interval) text += fmt::format(" [{:7.4f}, {:7.4f}]", interval->low, interval->high);
  return text;
}

std::string with_interval(const Estimate& estimate) {
  if (estimate.bootstrap_low)
    return with_interval(estimate.mean, Interval{*estimate.bootstrap_low, *estimate.bootstrap_high});
  if (estimate.ci_low) return with_interval(estimate.mean, Interval{*estimate.ci_low, *estimate.ci_high});
  return fixed(estimate.mean);
}

std::string share_text(const std::optional<LengthShare>& share) {
  if (!share) return "–";
  const auto percent = [](double part) { return std::round(100 * part) + 0.0; };  // never -0
  return fmt::format("{:.0f} % [{:.0f}, {:.0f}]", percent(share->share), percent(share->low), percent(share->high));
}

std::string p_text(const std::optional<double>& p, bool exact) {
  if (!p) return "–";
  const std::string text = *p < 1e-4 ? "< 0.0001" : fmt::format("{:.4f}", *p);
  return exact ? text + " (exact)" : text;
}

std::string differences_line(const std::vector<RunDifference>& differences) {
  std::vector<std::string> parts;
  for (const RunDifference& difference : differences) {
    parts.push_back(difference.what + " (" + one_line(join(difference.values, " | ")) + ")");
  }
  return join(parts);
}

std::string run_letter(size_t position) {
  std::string letters(1, static_cast<char>('A' + position % 26));
  return position < 26 ? letters : run_letter(position / 26 - 1) + letters;
}

std::string comparison_text(const RunComparison& comparison) {
  std::string text;
  if (!comparison.differences.empty()) text = "Not the same: " + differences_line(comparison.differences) + '\n';
  text += fmt::format("{} shared question{} in {} topic{}{}; {}, each {} weighing the same\n\n", comparison.shared,
                      comparison.shared == 1 ? "" : "s", comparison.topics.size(),
                      comparison.topics.size() == 1 ? "" : "s", left_out(comparison), comparison.options.metric->title,
                      comparison.options.statistics.weights == Weights::kTopics ? "topic" : "question");
  text += runs_tables(comparison) + '\n';
  text += comparison.runs.size() == 2 ? two_runs(comparison) : many_runs(comparison);
  text += moved_table(comparison) + '\n';
  if (comparison.decision) {
    text += decision_text(*comparison.decision) +
            "The other intervals and p-values don't allow for stopping where it looks good.\n";
  }
  return comparison.runs.size() == 2 ? text + verdict(comparison) : text;
}

}  // namespace hre
