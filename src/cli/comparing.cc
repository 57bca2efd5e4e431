#include "cli/comparing.h"

#include <CLI/CLI.hpp>
#include <map>
#include <ostream>

#include "cli/seed_option.h"
#include "cli/where_argument.h"
#include "core/files.h"
#include "stats/shared_questions.h"

namespace hre::cli {

void ComparingOptions::define(CLI::App& app) {
  static const std::map<std::string, Weights> kWeights = {{"questions", Weights::kQuestions},
                                                          {"topics", Weights::kTopics}};
  static const std::map<std::string, UndefinedPolicy> kUndefined = {{"leave-out", UndefinedPolicy::kLeaveOut},
                                                                    {"zero", UndefinedPolicy::kZero}};
  app.add_option("--metric", metric,
                 "pearson (default), spearman, kendall, pairwise, top_one, ndcg or given_length (Pearson's r given the "
                 "answers' length)")
      ->type_name("METRIC");
  app.add_option("--weights", weights, "what weighs the same in a mean: questions (default) or topics")
      ->type_name("questions|topics")
      ->transform(CLI::Transformer(kWeights).description(""))
      ->check(CLI::IsMember({Weights::kQuestions, Weights::kTopics}).description(""));
  app.add_option("--undefined", undefined, "questions without a value in some run: leave-out (default) or zero")
      ->type_name("leave-out|zero")
      ->transform(CLI::Transformer(kUndefined).description(""))
      ->check(CLI::IsMember({UndefinedPolicy::kLeaveOut, UndefinedPolicy::kZero}).description(""));
  define_where(app, where, metadata);
  app.add_option("--draws", draws, "of the bootstrap (default 10000)")
      ->type_name("N")
      ->check(CLI::Range(100, 10000000).description(""));
  app.add_option("--permutations", permutations, "of signs, where there are too many for all (default 9999)")
      ->type_name("N")
      ->check(CLI::Range(99, 10000000).description(""));
  check_seed(app.add_option("--seed", seed, "of every draw (default 42)")->type_name("S"));
  if (app.get_option_no_throw("--threads") != nullptr) return;
  app.add_option("--threads", threads, "threads (default: all cores); they change no number")
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

Decision decide_runs(std::span<const Run> runs, const CompareOptions& options) {
  const SharedQuestions shared = share_questions(runs, *options.metric, options.undefined);
  std::vector<double> differences;
  for (size_t i = 0; i < shared.n(); ++i) differences.push_back(shared.values[0][i] - shared.values[1][i]);
  const double width = options.metric->range.width();
  return decide(differences, shared.sizes, {-width, width}, options.statistics.seed);
}

Status write_result(const std::string& json_path, const std::string& json, const std::string& text, Console& console) {
  if (json_path == "-") {
    console.out << json << std::flush;
    return {};
  }
  console.out << text << std::flush;
  if (json_path.empty()) return {};
  auto file = AtomicFile::create(json_path);
  return file ? file->commit(json) : Status(forward(file));
}

}  // namespace hre::cli
