#pragma once
/// --where and --metadata, wherever a command takes them.

#include <string>
#include <vector>

#include "cli/command.h"
#include "data/metadata.h"
#include "hre/question.h"
#include "hre/run.h"

namespace hre::cli {

/// Adds the two options.
void define_where(CLI::App& app, std::vector<std::string>& where, std::string& metadata);

/// The metadata named, or else that of the dataset; empty where there is none and none is named.
Result<data::Metadata> metadata_of(const std::string& named, const std::string& dataset_source);

/// Leaves only the questions where all conditions hold. Input errors for conditions that can't be read, that need
/// metadata where there is none, and that no question passes. `metadata`: a file's path, or empty.
Status keep_questions_where(const std::vector<std::string>& where, const std::string& metadata, Run& run);
Status keep_questions_where(const std::vector<std::string>& where, const std::string& metadata, Dataset& dataset);

}  // namespace hre::cli
