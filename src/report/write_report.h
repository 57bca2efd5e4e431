#pragma once
/// A report as files: the page, its figures and its tables.

#include <optional>
#include <stop_token>
#include <string>

#include "hre/progress.h"
#include "report/report_data.h"
#include "report/study_view.h"

namespace hre {

struct WrittenReport {
  std::string page, figures_folder, tables_folder;  ///< paths
  int64_t page_bytes = 0, figures = 0, tables = 0;
};

/// Writes index.html, figures/ and tables/ into the folder `out`, which is made if it does not exist. Figures are drawn
/// on all cores; what readers of the report must know is noted, and so are figures that cannot be drawn: the rest is
/// written. `study` adds the figures of families of models. When stopped, the error is kInterrupted and no page is
/// written.
Result<WrittenReport> write_report(const ReportData& data, const std::optional<StudyView>& study,
                                   const std::string& out, ProgressListener& progress, const std::stop_token& stop);

}  // namespace hre
