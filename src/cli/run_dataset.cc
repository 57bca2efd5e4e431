#include "cli/run_dataset.h"

#include "cli/hub_argument.h"
#include "report/report_data.h"

namespace hre::cli {

Result<std::optional<Dataset>> dataset_of_run(const std::string& data, const Run& run, ProgressListener& progress) {
  const std::string& source = data.empty() ? run.dataset_source : data;
  auto dataset = source.empty() ? load_dataset(source) : load_data_argument(source, progress, {});
  Status usable = dataset ? check_fingerprint(run, *dataset) : Status(tl::unexpected<Error>(dataset.error()));
  if (usable) return std::optional(std::move(*dataset));
  if (!data.empty()) return forward(usable);
  usable.error().next = "‹data› names the dataset";
  progress.note("the questions' texts are missing: " + usable.error().text());
  return std::optional<Dataset>();
}

}  // namespace hre::cli
