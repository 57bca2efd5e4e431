#include "analysis/side_by_side.h"

#include "analysis/shared_questions.h"

namespace hre {
namespace {

/// Of the runs that have questions. Runs without a common question stand side by side all the same.
Status compare_those_with_questions(std::span<const Run> all, const CompareOptions& options, SideBySide& values) {
  std::vector<const Run*> runs;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].questions.empty()) continue;
    runs.push_back(&all[i]);
    values.compared.push_back(i);
  }
  if (runs.size() < all.size()) {  // compare_runs looks only at the runs that it has
    const std::vector<RunDifference> differences = run_differences(pointers_to(all));
    if (!differences.empty() && !options.allow_different) return tl::unexpected<Error>(differences_error(differences));
    if (!differences.empty()) values.caveats.push_back(differences_note(differences));
  }
  if (runs.size() < 2) return {};
  auto comparison = compare_runs(runs, options);
  if (comparison) {
    values.comparison = std::move(*comparison);
  } else if (!comparison.error().where.empty()) {
    return forward(comparison);
  } else {
    values.caveats.push_back("Runs are not compared: " + comparison.error().message + ".");
  }
  return {};
}

}  // namespace

Result<SideBySide> put_side_by_side(std::span<const Run> runs, std::vector<std::optional<Summary>> means,
                                    const CompareOptions& options) {
  SideBySide values;
  means.resize(runs.size());
  for (size_t i = 0; i < runs.size(); ++i) {
    values.summaries.push_back(means[i] ? std::move(*means[i]) : summarize(runs[i]));
    if (!options.clusters) continue;
    values.clustered.push_back(runs[i].questions.empty() ? std::nullopt
                                                         : std::optional(clustered_value(runs[i], *options.clusters)));
  }
  if (auto ok = compare_those_with_questions(runs, options, values); !ok) return forward(ok);
  if (!runs.empty()) values.ceiling = run_ceiling(runs.front());
  return values;
}

}  // namespace hre
