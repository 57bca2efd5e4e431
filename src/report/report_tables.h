#pragma once
/// The tables of a report, each as Markdown, LaTeX (booktabs) and CSV.

#include <string>
#include <string_view>
#include <vector>

#include "report/report_data.h"

namespace hre {

struct ReportTable {
  std::string name;  ///< "topics.md"
  std::string content;
};

/// A cell of a Markdown table, or a line: nothing in it is markup.
std::string escaped_markdown(std::string_view text);

/// summary (models down, statistics across), topics (topics down, models across), scores (models by scores),
/// differences (pairs of models).
std::vector<ReportTable> report_tables(const ReportData& data);

}  // namespace hre
