#pragma once
/// Names on the hub: hf:ORG/REPO[@REVISION][/FILE].

#include <string>

#include "hre/result.h"

namespace hre::hub {

enum class RepoKind { kModel, kDataset };

/// "model" or "dataset", as in the hub's addresses.
std::string kind_word(RepoKind kind);

struct HubName {
  std::string repository;         ///< "ORG/REPO", or only "REPO" for the hub's oldest repositories
  std::string revision = "main";  ///< a branch, a tag or a commit
  std::string file;               ///< a path in the repository, a pattern or a type of weights; empty: none was given

  bool operator==(const HubName&) const = default;
};

/// Whether the text begins with "hf:".
bool is_hub_name(const std::string& text);

/// Parses a name. A name that is impossible on the hub is an input error.
Result<HubName> parse_hub_name(const std::string& text);

/// The name with its commit, which always means the same files: "hf:ORG/REPO@COMMIT/FILE".
std::string pinned_name(const std::string& repository, const std::string& commit, const std::string& file);

/// The repository without its owner: "pythia-410m".
std::string short_name(const std::string& repository);

/// Whether this is a commit's full name: 40 hexadecimal digits.
bool is_commit(const std::string& revision);

/// Whether the path may be created below a folder: relative, without "..", "." and empty parts.
bool is_inner_path(const std::string& path);

}  // namespace hre::hub
