#pragma once
/// Runs as lm-evaluation-harness writes its own: a result file, and a file of samples for each task.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "hre/summary.h"

namespace hre {

struct NamedText {
  std::string name;  ///< of a file
  std::string text;
};

/// Questions as the model saw them, by topic and id.
using QuestionTexts = std::map<std::pair<std::string, std::string>, ScoringRequest>;

/// The folder that the harness would use for this model: its name without the characters that it replaces.
std::string lm_eval_folder(const Run& run);

/// results_DATE.json and samples_TASK_DATE.jsonl. Samples of questions that are not among `texts` go without.
std::vector<NamedText> lm_eval_files(const Run& run, const Summary& summary, const QuestionTexts& texts);

}  // namespace hre
