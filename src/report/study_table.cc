#include "report/study_table.h"

#include <fmt/format.h>

#include "core/text.h"
#include "core/visible.h"
#include "report/detection.h"
#include "report/number_text.h"
#include "report/text_table.h"

namespace hre {
namespace {

std::string runs_table(const Study& study, int width) {
  const CompareOptions& options = study.options.compare;
  const Weights weights = options.statistics.weights;
  std::vector<std::string> header = {"run", "family", "size", "stage", options.metric->title, "length alone"};
  for (const Judgement& judgement : study.judgements) header.push_back(judgement.name);
  TextTable table(header);
  table.can_spare({"length alone", "stage", "size", "family"});
  TextTable parts({"run", "Pearson is", "through length", "+ beyond length"});
  for (size_t i = 0; i < study.runs.size(); ++i) {
    const StudyMember& member = study.members[i];
    const MetricSummary& means = study.runs[i].means(weights);
    const LengthParts& length = study.runs[i].length(weights);
    const Estimate& value = means.*options.metric->of_summary;
    std::vector<std::string> cells = {member.name,
                                      member.family,
                                      size_text(member.size),
                                      name_of(kStages, member.stage),
                                      with_error(value) + chance_text(value),
                                      with_error(means.length_only)};
    for (const Judgement& judgement : study.judgements) {
      cells.push_back(judgement.values[i] ? fmt::format("{:g}", *judgement.values[i]) : "–");
    }
    table.add_row(std::move(cells));
    parts.add_row({member.name, with_error(length.value), with_error(length.through), with_error(length.beyond)});
  }
  return table.render(width) + '\n' + parts.render(width);
}

void add_pair(TextTable& table, std::string name, const PairedComparison& pair,
              const QuestionsForEffect& questions_80) {
  table.add_row({std::move(name), with_interval(pair.difference.mean, interval_of(pair)),
                 p_text(pair.p, pair.p_exact()), pair.p_holm ? p_text(pair.p_holm) : "", two_decimals(pair.effect_size),
                 fmt::format("{}/{}/{}", pair.won, pair.tied, pair.lost), questions_text(questions_80)});
}

std::string detection_text(const std::vector<DetectionPoint>& curve, int width) {
  if (curve.empty()) {
    return fmt::format(
        "\nHow many questions would detect the observed differences again is not shown: their intervals need {} "
        "questions.\n",
        kFewestForEffect);
  }
  TextTable table({"questions", "later found better [95 %]", "earlier found better"});
  for (const DetectionPoint& point : curve) {
    table.add_row({std::to_string(point.n), rate_text(point), fmt::format("{:.1f} %", 100 * point.opposite)});
  }
  return "\nProbability that a t test at the 5 % level detects the observed pooled difference, by number of questions; "
         "in brackets, for the ends of the difference's interval:\n\n" +
         table.render(width);
}

std::string separation_text(const Separation& separation, int width) {
  std::string text =
      fmt::format("\n{} against {}\n\n", name_of(kStages, separation.later), name_of(kStages, separation.earlier));
  if (separation.pairs.empty()) {
    text += "No family has both stages at one size.\n";
  } else {
    TextTable table(
        {"family, size", "later − earlier [95 %]", "p", "p (Holm)", "d_z", "w/t/l", "questions for 80 % [95 %]"});
    table.can_spare({"d_z", "w/t/l", "p"});
    for (const StagePair& pair : separation.pairs) {
      add_pair(table, pair.family + ", " + size_text(pair.size), pair.comparison, pair.questions_80);
    }
    table.add_rule();
    add_pair(table, "pooled over sizes", *separation.pooled, separation.questions_80);
    text += table.render(width) +
            fmt::format(
                "\nIntervals and p-values are about other questions for these models, of {} famil{}: they do not say "
                "what other models would do.\n",
                separation.families, separation.families == 1 ? "y" : "ies") +
            detection_text(separation.detection, width);
  }
  if (separation.auc) {
    text += fmt::format(
        "\nArea under the curve between the runs of the two stages: {:.3f}, p {} (runs are the units; families and "
        "sizes are mixed)\n",
        separation.auc->area, p_text(separation.auc->p.p, separation.auc->p.exact()));
  }
  return text;
}

std::string agreement_text(const Study& study, int width) {
  TextTable table({"judgement", "correlation", "models", "value [95 %]", "p", "leaving one out", "most influential"});
  table.can_spare({"p", "models"});
  bool few = false;
  for (const JudgedAgreement& judged : study.agreements) {
    const Agreement& agreement = judged.agreement;
    few = few || agreement.few;
    table.add_row({judged.judgement, correlation_name(judged.kind), std::to_string(agreement.n),
                   with_interval(agreement.value, agreement.interval),
                   agreement.p ? p_text(agreement.p->p, agreement.p->exact()) : "–",
                   agreement.leave_one_out ? two_decimals(agreement.leave_one_out->low) + " to " +
                                                 two_decimals(agreement.leave_one_out->high)
                                           : "–",
                   judged.most_influential ? study.members[*judged.most_influential].name : "–"});
  }
  std::string text = "\nAgreement with judgements, over models\n\n" + table.render(width);
  return few ? text +
                   "\nFewer than ten models: a single model can produce such a correlation, and only Pearson's r has "
                   "an interval.\n"
             : text;
}

std::string matrix_text(const Study& study, int width) {
  std::string text;
  for (const auto& [kind, matrix] : study.matrices) {
    std::vector<std::string> header = {correlation_name(kind)};
    header.insert(header.end(), study.columns.begin(), study.columns.end());
    TextTable table(header);
    for (size_t i = 0; i < matrix.size(); ++i) {
      std::vector<std::string> cells = {study.columns[i]};
      for (const MatrixCell& cell : matrix[i])
        cells.push_back(fmt::format("{} ({})", two_decimals(cell.value), cell.n));
      table.add_row(std::move(cells));
    }
    text += "\n" + table.render(width);
  }
  return "\nCorrelations between all columns (number of models)\n" + text;
}

}  // namespace

const char* correlation_name(CorrelationKind kind) {
  return kind == CorrelationKind::kPearson ? "pearson" : kind == CorrelationKind::kSpearman ? "spearman" : "kendall";
}

std::string study_text(const Study& study, const std::string& name, int width) {
  std::string text = name.empty() ? "" : visible_line(name) + "\n\n";
  for (const std::string& note : study.notes) text += visible_line(note) + '\n';
  text += fmt::format("{} questions that all runs share, in {} topics", study.shared, study.topics.size());
  if (study.undefined > 0) text += fmt::format("; {} left out, without a value in some run", study.undefined);
  text += "\n\n" + runs_table(study, width);
  if (study.separations.empty()) text += "\nAll runs are of one stage, so there is nothing to separate.\n";
  for (const Separation& separation : study.separations) text += separation_text(separation, width);
  if (!study.judgements.empty()) text += agreement_text(study, width) + matrix_text(study, width);
  return wrapped(text, width);
}

}  // namespace hre
