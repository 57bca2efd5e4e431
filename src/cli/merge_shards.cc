#include "cli/merge_shards.h"

#include <fstream>
#include <optional>
#include <ostream>

#include "cli/evaluation.h"
#include "cli/run_argument.h"
#include "core/files.h"
#include "eval/shard.h"
#include "report/run_json.h"

namespace hre::cli {

bool is_json_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  char first = 0;
  file >> first;
  return first == '{' || first == '[';
}

Status merge_shard_files(const std::vector<std::string>& paths, const std::string& json, Console& console) {
  std::optional<AtomicFile> out;
  if (!json.empty() && json != "-") {
    auto file = AtomicFile::create(json);
    if (!file) return forward(file);
    out.emplace(std::move(*file));
  }
  auto shards = load_runs(paths);
  if (!shards) return forward(shards);
  auto merged = merge_shards(std::move(*shards));
  if (!merged) return forward(merged);
  EvaluatedModels evaluation;
  evaluation.summaries.push_back(summarize(*merged));
  evaluation.runs.push_back(std::move(*merged));
  const std::string text = run_json(evaluation.runs[0], evaluation.summaries[0], /*details=*/true);
  if (json == "-") {
    console.out << text << std::flush;
  } else {
    print_evaluation(evaluation, console);
  }
  return out ? out->commit(text) : Status();
}

}  // namespace hre::cli
