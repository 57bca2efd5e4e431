#pragma once
/// The shards of `hre runs merge`: JSON files that hre eval --shard wrote.

#include <string>
#include <vector>

#include "cli/command.h"

namespace hre::cli {

/// Whether a file holds JSON, as shards do, by its first character.
bool is_json_file(const std::string& path);

/// Puts the shards together, writes the run to `json` ("-": standard output), and shows its values.
Status merge_shard_files(const std::vector<std::string>& paths, const std::string& json, Console& console);

}  // namespace hre::cli
