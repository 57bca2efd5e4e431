#pragma once
/// The page of a report: one self-contained file of markup, style, script and data.

#include <string>
#include <vector>

#include "report/report_data.h"

namespace hre {

struct PageFigure {
  std::string name;     ///< "votes": as its files are called
  std::string caption;  ///< one sentence
  std::string svg;
};

/// Deterministic: the same runs give the same bytes.
std::string page_html(const ReportData& data, const std::vector<PageFigure>& figures);

}  // namespace hre
