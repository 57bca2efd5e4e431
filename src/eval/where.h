#pragma once
/// Conditions on questions, and the metadata that some of them need.

#include <span>
#include <string>
#include <vector>

#include "data/metadata.h"
#include "hre/question.h"
#include "hre/run.h"

namespace hre {

/// The metadata named, or else that of the dataset; empty where there is none and none is named.
Result<data::Metadata> metadata_of(const std::string& named, const std::string& dataset_source);

/// An input error where some of these questions have other votes there: ids by position match any dataset's metadata.
Status check_metadata(const data::Metadata& metadata, std::span<const Question> questions);
Status check_metadata(const data::Metadata& metadata, std::span<const QuestionResult> questions);

/// The dates of a stored run's answers, and the metrics that need them, where its dataset is there and has them.
void add_dates(Run& run);

/// Leaves only the questions where all conditions hold. Input errors for conditions that can't be read, that need
/// metadata where there is none, and that no question passes. `metadata`: a file's path, or empty.
Status keep_questions_where(const std::vector<std::string>& where, const std::string& metadata, Run& run);
Status keep_questions_where(const std::vector<std::string>& where, const std::string& metadata, Dataset& dataset);

}  // namespace hre
