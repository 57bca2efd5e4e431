#pragma once
/// Chooses the files of a repository that a name means.

#include <string>
#include <vector>

#include "hre/result.h"
#include "hub/api.h"

namespace hre::hub {

/// The files to fetch, and the one to open.
struct Selection {
  std::vector<std::string> files;  ///< paths in the repository
  std::string main;                ///< the path to open: a file, or empty for the folder

  bool operator==(const Selection&) const = default;
};

/// The weights that `wanted` means: a .gguf file (all parts of a split file), or a safetensors checkpoint with its
/// configuration and tokenizer. `wanted` is a path, a pattern (*Q4_K_M*), a type of weights (Q4_K_M), or empty if the
/// repository has only one model. Otherwise an input error lists the choices. `where` is for messages.
Result<Selection> choose_model_files(const std::vector<RepoFile>& files, const std::string& wanted,
                                     const std::string& where);

/// The dataset files that `wanted` means: a parquet or JSON-lines file by its path or a pattern, a folder of such
/// files, or (empty) all files that the reader of local folders would read. A dataset card is included.
Result<Selection> choose_dataset_files(const std::vector<RepoFile>& files, const std::string& wanted,
                                       const std::string& where);

/// The file of this path.
Result<Selection> choose_file(const std::vector<RepoFile>& files, const std::string& path, const std::string& where);

/// Whether the text contains wildcards.
bool is_pattern(const std::string& text);

}  // namespace hre::hub
