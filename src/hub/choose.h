#pragma once
/// Which of a repository's files a name means.

#include <string>
#include <vector>

#include "hre/result.h"
#include "hub/api.h"

namespace hre::hub {

/// What is fetched, and what of it is given on.
struct Selection {
  std::vector<std::string> files;  ///< paths in the repository
  std::string main;                ///< the path to open: a file, or empty for the folder

  bool operator==(const Selection&) const = default;
};

/// The weights that `wanted` means: a .gguf file (all parts of a split one), or a safetensors checkpoint with its
/// configuration and tokenizer. `wanted` is a path, a pattern (*Q4_K_M*), a type of weights (Q4_K_M), or empty where
/// the repository has one thing to offer alone. Otherwise an input error lists the choices. `where` is for messages.
Result<Selection> choose_model_files(const std::vector<RepoFile>& files, const std::string& wanted,
                                     const std::string& where);

/// The questions that `wanted` means: a file of parquet or JSON lines by its path or a pattern, a folder of them, or
/// (empty) all that a local folder of this layout would be read as. A card goes with them.
Result<Selection> choose_dataset_files(const std::vector<RepoFile>& files, const std::string& wanted,
                                       const std::string& where);

/// Whether the text has signs of a pattern.
bool is_pattern(const std::string& text);

}  // namespace hre::hub
