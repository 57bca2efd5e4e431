#pragma once
/// What a stored value depends on. A stored answer may stand for a new one only where both of its keys are equal:
/// the text's (what was scored) and the setting's (everything else that can move the value).

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hre/run.h"
#include "hre/scorer.h"

namespace hre::store {

/// Named parts of a setting, by name; for people, and to say what differs.
using Components = std::vector<std::pair<std::string, std::string>>;

/// Everything but the text: the weights' content (a model without any is known by its source), what the model
/// states of itself (engine, build, device, BOS, length, cache and compute types), and the version of hre's own rules
/// of planning and summing.
Components setting_components(const ModelDescription& model);

/// Keys are 16 bytes: content hashes.
std::string setting_key(const Components& components);

/// The question as the model sees it. The answers are part of one key because they are computed together. `plan` is
/// given where tokens don't follow from the text and the setting alone: see ModelDescription::tokens_follow_from_text.
std::string text_key(const ScoringRequest& request, const QuestionPlan* plan = nullptr);

/// The question as the dataset has it: topic, id, and its answers' votes and lengths.
std::string question_key(const QuestionResult& question);

/// What was asked for: 32 hexadecimal digits, equal for equal questions to an equal model.
std::string run_key(const Run& run);
/// The same of a run from elsewhere. One that holds a part of what was asked for must not be taken for the whole: where
/// its questions stand in the selection is not known, so that the key is that of its contents too.
std::string imported_key(const Run& run);
/// Of a run that was asked for by such a key and of its answers.
std::string contents_key(const std::string& key, const Run& run);

/// Of a text alone.
std::string content_key(std::string_view text);

/// Over the key and the stored answers of one question: it finds what a disk changed.
int64_t answers_checksum(std::string_view text_key, const std::vector<AnswerResult>& answers);

}  // namespace hre::store
