#pragma once
/// Questions in a terminal: their answers as people and as models rank them.

#include <string>
#include <vector>

#include "report/report_data.h"

namespace hre {

struct ShowOptions {
  bool colour = false;  ///< for terminals: letters of answers, and tokens shaded by their log-probability
  int width = 80;       ///< columns
  bool full = false;    ///< all of the texts, not their beginnings
  std::string cut;      ///< what is said where a text was cut: how the rest is seen
};

/// One question, whole: text, table of ranks, answers. Of two runs, tokens are shaded by their difference.
std::string show_question(const ReportData& data, const QuestionRow& row, const ShowOptions& options);

/// What the columns and shades of these questions mean.
std::string show_legend(const ReportData& data, const std::vector<const QuestionRow*>& rows,
                        const ShowOptions& options);

/// Rows by the first run's Pearson's r, lowest first; those without a value are left out.
std::vector<const QuestionRow*> worst_rows(const ReportData& data, size_t n);

/// Rows that moved most between the first two runs, as their comparison has them (CompareOptions::moved).
std::vector<const QuestionRow*> moved_rows(const ReportData& data, size_t n);

}  // namespace hre
