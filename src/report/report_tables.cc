#include "report/report_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/metric.h"
#include "analysis/notes.h"
#include "analysis/scores.h"
#include "core/text.h"
#include "report/run_columns.h"
#include "report/training_text.h"

namespace hre {
namespace {

/// The value's name; LaTeX files have no sign beyond ASCII of hre's own.
std::string in_ascii(const ReportData& data) { return data.of_logs ? data.value_name : "Pearson's r"; }

struct Table {
  std::string name, caption;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

std::string number(const std::optional<double>& value) { return value ? fmt::format("{:.4f}", *value) : ""; }

std::string small_number(const std::optional<double>& value) { return value ? fmt::format("{:.4g}", *value) : ""; }

std::string escaped_latex(std::string_view text) {
  return replaced(flat(text), {{'\\', "\\textbackslash{}"},
                               {'~', "\\textasciitilde{}"},
                               {'^', "\\textasciicircum{}"},
                               {'&', "\\&"},
                               {'%', "\\%"},
                               {'$', "\\$"},
                               {'#', "\\#"},
                               {'_', "\\_"},
                               {'{', "\\{"},
                               {'}', "\\}"}});
}

template <class Escape>
std::string line(const std::vector<std::string>& cells, Escape escape, const char* between) {
  std::vector<std::string> escaped;
  for (const std::string& one : cells) escaped.push_back(escape(one));
  return join(escaped, between);
}

std::string markdown(const Table& table) {
  std::string text =
      escaped_markdown(table.caption) + "\n\n| " + line(table.columns, escaped_markdown, " | ") + " |\n|---|";
  for (size_t i = 1; i < table.columns.size(); ++i) text += "---:|";
  text += "\n";
  for (const auto& row : table.rows) text += "| " + line(row, escaped_markdown, " | ") + " |\n";
  return text;
}

std::string latex(const Table& table) {
  std::string text = "% \\usepackage{booktabs}\n\\begin{table}\n\\centering\n\\caption{" +
                     escaped_latex(table.caption) + "}\n\\begin{tabular}{l" +
                     std::string(table.columns.size() - 1, 'r') + "}\n\\toprule\n" +
                     line(table.columns, escaped_latex, " & ") + " \\\\\n\\midrule\n";
  for (const auto& row : table.rows) text += line(row, escaped_latex, " & ") + " \\\\\n";
  return text + "\\bottomrule\n\\end{tabular}\n\\end{table}\n";
}

std::string csv(const Table& table) {
  std::string text = line(table.columns, escaped_csv, ",") + "\n";
  for (const auto& row : table.rows) text += line(row, escaped_csv, ",") + "\n";
  return text;
}

/// Of logs: their values alone.
Table log_summary_table(const ReportData& data) {
  Table table{"summary",
              "Means of " + data.value_name + " over all questions, with 95 % intervals.",
              {"model", "questions", "undefined", "mean", "low", "high", "macro_mean"},
              {}};
  for (size_t i = 0; i < data.runs.size(); ++i) {
    const Summary& summary = data.summaries[i];
    const Estimate& e = data.value(summary.micro);
    table.rows.push_back({data.labels[i], std::to_string(summary.questions), std::to_string(summary.undefined),
                          number(e.mean), number(e.ci_low), number(e.ci_high), number(data.value(summary.macro).mean)});
  }
  return table;
}

Table summary_table(const ReportData& data) {
  if (data.of_logs) return log_summary_table(data);
  Table table{"summary",
              "Means over all questions, with the 95 % interval of Pearson's r, its parts through and beyond the "
              "answers' length, and the values that chance gives.",
              {"model", "parameters", "questions", "pearson_undefined", "pearson_low", "pearson_high", "through_length",
               "beyond_length", "pairwise_accuracy_chance", "top_one_chance", "ndcg_chance"},
              {}};
  for (const Metric& metric : all_metrics()) table.columns.emplace_back(metric.name);
  table.columns.emplace_back("macro_pearson");
  for (size_t i = 0; i < data.runs.size(); ++i) {
    const Summary& summary = data.summaries[i];
    std::vector<std::string> row = {data.labels[i],
                                    std::to_string(data.runs[i].model.parameters),
                                    std::to_string(summary.questions),
                                    std::to_string(summary.undefined),
                                    number(summary.micro.pearson.ci_low),
                                    number(summary.micro.pearson.ci_high),
                                    number(summary.micro_length.through.mean),
                                    number(summary.micro_length.beyond.mean),
                                    number(summary.micro.pairwise_accuracy.chance),
                                    number(summary.micro.top_one.chance),
                                    number(summary.micro.ndcg.chance)};
    for (const Metric& metric : all_metrics()) row.push_back(number((summary.micro.*metric.of_summary).mean));
    row.push_back(number(summary.macro.pearson.mean));
    table.rows.push_back(std::move(row));
  }
  return table;
}

const TopicSummary* topic_of(const Summary& summary, const std::string& topic) {
  for (const TopicSummary& one : summary.topics) {
    if (one.topic == topic) return &one;
  }
  return nullptr;
}

Table topics_table(const ReportData& data) {
  Table table{"topics", "Mean of " + in_ascii(data) + " by topic.", {"topic"}, {}};
  for (const std::string& label : data.labels) table.columns.push_back(label);
  for (const std::string& topic : data.topics) {
    std::vector<std::string> row = {topic};
    for (const Summary& summary : data.summaries) {
      const TopicSummary* one = topic_of(summary, topic);
      row.push_back(one != nullptr ? number(data.value(one->metrics).mean) : "");
    }
    table.rows.push_back(std::move(row));
  }
  std::vector<std::string> macro = {"macro average"}, micro = {"micro average"};
  for (const Summary& summary : data.summaries) {
    macro.push_back(number(data.value(summary.macro).mean));
    micro.push_back(number(data.value(summary.micro).mean));
  }
  table.rows.push_back(std::move(macro));
  table.rows.push_back(std::move(micro));
  return table;
}

/// Every mean with its interval and chance, a line each.
Table estimates_table(const ReportData& data) {
  Table table{
      "estimates",
      "Means of every metric by topic, over all questions (micro) and over the topics' means (macro), with 95 % "
      "intervals and the values that chance gives.",
      {"model", "topic", "metric", "n", "mean", "low", "high", "chance"},
      {}};
  for (size_t i = 0; i < data.runs.size(); ++i) {
    const auto add = [&](const std::string& topic, const std::string& metric, const Estimate& e) {
      table.rows.push_back({data.labels[i], topic, metric, std::to_string(e.n), number(e.mean), number(e.ci_low),
                            number(e.ci_high), number(e.chance)});
    };
    const Summary& summary = data.summaries[i];
    for (const Metric& metric : data.metrics) {
      for (const TopicSummary& topic : summary.topics) add(topic.topic, metric.name, topic.metrics.*metric.of_summary);
      add("micro average", metric.name, summary.micro.*metric.of_summary);
      add("macro average", metric.name, summary.macro.*metric.of_summary);
    }
    if (!data.clustered.empty() && data.clustered[i]) {
      const auto& [micro, macro] = *data.clustered[i];
      const std::string others = cluster_generalisation(micro.kind);
      add("micro average, for " + others, data.metrics.front().name, micro.mean.estimate);
      add("macro average, for " + others, data.metrics.front().name, macro.mean.estimate);
    }
    if (data.of_logs) continue;
    add("micro average", "through_length", summary.micro_length.through);
    add("micro average", "beyond_length", summary.micro_length.beyond);
  }
  return table;
}

/// The value by every score that follows from one pass.
Table scores_table(const ReportData& data) {
  Table table{"scores",
              "Means of Pearson's r over all questions by what an answer's log-likelihood is divided by, with 95 % "
              "intervals, the parts through and beyond the answers' length, and the share of pairs in people's order.",
              {"model", "score", "pearson", "low", "high", "through_length", "beyond_length", "pairwise_accuracy"},
              {}};
  for (size_t i = 0; i < data.runs.size(); ++i) {
    for (const ScoreSummary& score : data.summaries[i].scores) {
      table.rows.push_back({data.labels[i], std::string(name_of(kScoreKinds, score.score)), number(score.pearson.mean),
                            number(score.pearson.ci_low), number(score.pearson.ci_high),
                            number(score.length.through.mean), number(score.length.beyond.mean),
                            number(score.pairwise_accuracy.mean)});
    }
  }
  return table;
}

Table differences_table(const ReportData& data) {
  Table table{"differences",
              "Paired differences of " + in_ascii(data) +
                  ", with 95 % intervals by a topic-stratified bootstrap and p-values by sign flips.",
              {"model_a", "model_b", "difference", "low", "high", "p", "p_holm", "questions", "won", "tied", "lost"},
              {}};
  if (!data.comparison) return table;
  for (const ComparedPair& pair : data.comparison->pairs) {
    const PairedComparison& c = pair.comparison;
    const std::optional<Interval> interval = interval_of(c);
    table.rows.push_back({data.labels[data.compared[pair.a]], data.labels[data.compared[pair.b]],
                          number(c.difference.mean), interval ? number(interval->low) : "",
                          interval ? number(interval->high) : "", small_number(c.p), small_number(c.p_holm),
                          std::to_string(c.questions()), std::to_string(c.won), std::to_string(c.tied),
                          std::to_string(c.lost)});
  }
  return table;
}

/// The curves of trainings: their noise, and where they stopped helping.
Table training_table(const ReportData& data) {
  Table table{
      "training",
      "Trainings whose checkpoints are among the models: the best value, the standard deviation from one "
      "checkpoint to the next and of the last checkpoints, the range of all values and its ratio to the latter "
      "(signal to noise; of as many checkpoints without a signal, the median and what 95 % are below), and the first "
      "checkpoint after which none is shown to be better.",
      {"training", "checkpoints", "first_step", "last_step", "best_step", "best", "neighbour_noise", "last_checkpoints",
       "noise", "range", "signal_to_noise", "flat_median", "flat_95", "peak_step", "after_peak"},
      {}};
  for (const Training& t : data.trainings.each) {
    table.rows.push_back(
        {t.name, std::to_string(t.points.size()), step_text(t.points.front().step), step_text(t.points.back().step),
         step_text(t.points[t.best].step), number(t.points[t.best].value), small_number(t.neighbour_noise),
         std::to_string(t.n_last), small_number(t.noise), small_number(t.range), small_number(t.signal_to_noise),
         t.flat_ratio ? small_number(t.flat_ratio->median) : "", t.flat_ratio ? small_number(t.flat_ratio->high) : "",
         t.peak ? step_text(t.points[t.peak->point].step) : "", t.peak ? std::to_string(t.peak->later) : ""});
  }
  return table;
}

}  // namespace

std::string escaped_markdown(std::string_view text) {
  return replaced(flat(text), {{'<', "&lt;"},
                               {'&', "&amp;"},
                               {'\\', "\\\\"},
                               {'`', "\\`"},
                               {'*', "\\*"},
                               {'_', "\\_"},
                               {'|', "\\|"},
                               {'[', "\\["},
                               {']', "\\]"},
                               {'~', "\\~"},
                               {'#', "\\#"}});
}

std::vector<ReportTable> report_tables(const ReportData& data) {
  std::vector<ReportTable> files;
  const auto note = invented_votes_note(data.runs.front().dataset_source, data.runs.front().dataset_fingerprint);
  for (Table table : {summary_table(data), topics_table(data), estimates_table(data), scores_table(data),
                      differences_table(data), training_table(data)}) {
    if (note) table.caption += " " + *note;
    if (table.rows.empty()) continue;
    files.push_back({table.name + ".md", markdown(table)});
    files.push_back({table.name + ".tex", latex(table)});
    files.push_back({table.name + ".csv", csv(table)});
  }
  return files;
}

}  // namespace hre
