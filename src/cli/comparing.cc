#include "cli/comparing.h"

#include <CLI/CLI.hpp>
#include <ostream>

#include "analysis/option_names.h"
#include "cli/choice.h"
#include "cli/seed_option.h"
#include "cli/where_options.h"
#include "core/files.h"
#include "eval/where.h"

namespace hre::cli {

void ComparingOptions::define(CLI::App& app) {
  app.add_option("--metric", metric,
                 "pearson (default), spearman, kendall, pairwise, top_one, ndcg, pearson_log or pearson_ranks (of log "
                 "or ranked votes), margin, bits_per_byte, bits_best, bits_worst or bits_gap")
      ->type_name("METRIC");
  score.define(app);
  add_choice(app, "--weights", weights, kWeights, "what has equal weight in a mean: questions (default) or topics");
  add_choice(app, "--undefined", undefined, kUndefinedPolicies,
             "questions without a value in some run: leave-out, or zero (count them as chance); default: as the runs "
             "were evaluated");
  define_where(app, where, metadata);
  app.add_option("--draws", draws, "number of bootstrap resamples (default 10000)")
      ->type_name("N")
      ->check(CLI::Range(100, 10000000).description(""));
  app.add_option("--permutations", permutations,
                 "number of random sign flips, if there are too many to try all (default 9999)")
      ->type_name("N")
      ->check(CLI::Range(99, 10000000).description(""));
  check_seed(app.add_option("--seed", seed, "random seed (default 42)")->type_name("S"));
  if (app.get_option_no_throw("--threads") != nullptr) return;
  app.add_option("--threads", threads, "number of threads (default: all cores); results do not depend on it")
      ->type_name("N")
      ->check(CLI::Range(1, 4096).description(""));
}

Result<CompareOptions> ComparingOptions::compare_options() const {
  auto found = find_metric(metric);
  if (!found) return forward(found);
  CompareOptions options;
  options.metric = *found;
  options.undefined = undefined;
  options.statistics = {weights, draws, permutations, seed, threads};
  return options;
}

Status ComparingOptions::apply_where(std::vector<Run>& runs) const {
  if (where.empty()) return {};
  for (Run& run : runs) {
    if (auto ok = keep_questions_where(where, metadata, run); !ok) return ok;
  }
  return {};
}

Status ComparingOptions::apply_where(Dataset& dataset) const {
  return where.empty() ? Status() : keep_questions_where(where, metadata, dataset);
}

void define_cluster(CLI::App& app, std::optional<ClusterKind>& cluster) {
  add_choice(app, "--cluster", cluster, kClusterKinds,
             "also show errors that allow for what questions have in common: their topic, their site, the authors of "
             "their answers, or who asked them");
}

void define_cluster_metadata(CLI::App& app, std::string& metadata) {
  app.add_option("--metadata", metadata,
                 "file with sites and people of questions, for --cluster (default: the dataset's "
                 "metadata/questions.jsonl)")
      ->type_name("FILE");
}

namespace {

template <class Check>
Result<std::optional<Clusters>> checked_clusters(const std::optional<ClusterKind>& cluster, const std::string& metadata,
                                                 const std::string& dataset_source, Check check) {
  if (!cluster) return std::optional<Clusters>();
  Clusters clusters{*cluster, {}};
  if (*cluster == ClusterKind::kTopic) return std::optional(clusters);
  auto facts = metadata_of(metadata, dataset_source);
  if (!facts) return forward(facts);
  if (Status ok = check(*facts); !ok) return forward(ok);
  for (const auto& [key, question] : *facts) {
    std::vector<std::string>& names = clusters.of[key];
    if (*cluster == ClusterKind::kSite && question.site) names = {*question.site};
    if (*cluster == ClusterKind::kAsker && question.asker) names = {*question.asker};
    if (*cluster == ClusterKind::kAuthor) names = question.authors;
  }
  std::erase_if(clusters.of, [](const auto& one) { return one.second.empty(); });
  if (clusters.of.empty()) {
    return input_error(std::string("the dataset's metadata does not say the ") + name_of(kClusterKinds, *cluster) +
                           " of its questions",
                       "--cluster", "name the file with --metadata, or cluster by topic");
  }
  return std::optional(std::move(clusters));
}

}  // namespace

Result<std::optional<Clusters>> find_clusters(const std::optional<ClusterKind>& cluster, const std::string& metadata,
                                              const Dataset& dataset) {
  return checked_clusters(cluster, metadata, dataset.source,
                          [&](const data::Metadata& facts) { return check_metadata(facts, dataset.questions); });
}

Result<std::optional<Clusters>> find_clusters(const std::optional<ClusterKind>& cluster, const std::string& metadata,
                                              const std::string& dataset_source, std::span<const Run> runs) {
  return checked_clusters(cluster, metadata, dataset_source, [&](const data::Metadata& facts) -> Status {
    for (const Run& run : runs) {
      if (auto ok = check_metadata(facts, run.questions); !ok) return ok;
    }
    return {};
  });
}

Status write_result(const std::string& json_path, const std::string& json, const std::string& text, Console& console) {
  if (json_path == "-") {
    console.out << json << std::flush;
    return {};
  }
  console.print(text);
  console.out << std::flush;
  return json_path.empty() ? Status() : write_file(json_path, json);
}

}  // namespace hre::cli
