#pragma once
/// What compare, power and study share: how runs are compared, and which questions count.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/clusters.h"
#include "analysis/comparison.h"
#include "cli/command.h"
#include "cli/score_option.h"
#include "hre/question.h"

namespace hre::cli {

struct ComparingOptions {
  std::string metric = "pearson";
  Weights weights = Weights::kQuestions;
  std::optional<UndefinedPolicy> undefined;  ///< nothing: as the runs were evaluated
  int draws = 10000, permutations = 9999, threads = 0;
  uint64_t seed = 42;
  std::vector<std::string> where;
  std::string metadata;
  std::optional<ClusterKind> cluster;
  ScoreOptions score;

  /// Adds the options to a command; without --threads, to one that has it already.
  void define(CLI::App& app);
  [[nodiscard]] Result<CompareOptions> compare_options() const;
  /// Leaves in the runs only the questions that --where wants.
  Status apply_where(std::vector<Run>& runs) const;
  Status apply_where(Dataset& dataset) const;
};

/// Adds --cluster.
void define_cluster(CLI::App& app, std::optional<ClusterKind>& cluster);

/// Adds --metadata to a command that has no --where.
void define_cluster_metadata(CLI::App& app, std::string& metadata);

/// What the questions of a dataset have in common, by its metadata; nothing where --cluster is not given. `metadata`: a
/// file's path, or empty. Input errors where metadata are of other questions.
Result<std::optional<Clusters>> find_clusters(const std::optional<ClusterKind>& cluster, const std::string& metadata,
                                              const Dataset& dataset);
Result<std::optional<Clusters>> find_clusters(const std::optional<ClusterKind>& cluster, const std::string& metadata,
                                              const std::string& dataset_source, std::span<const Run> runs);

/// Writes a result to its JSON file ("-": to standard output in the text's place) and the text to standard output.
Status write_result(const std::string& json_path, const std::string& json, const std::string& text, Console& console);

}  // namespace hre::cli
