#pragma once
/// Names of what lies on the hub: hf:ORG/REPO[@REVISION][/FILE].

#include <string>

#include "hre/result.h"

namespace hre::hub {

enum class RepoKind { kModel, kDataset };

/// "model" or "dataset", as the hub's addresses have them.
std::string kind_word(RepoKind kind);

struct HubName {
  std::string repository;         ///< "ORG/REPO", or "REPO" alone for the hub's oldest
  std::string revision = "main";  ///< a branch, a tag or a commit
  std::string file;               ///< a path in it, a pattern or a type of weights; empty: none was named

  bool operator==(const HubName&) const = default;
};

/// Whether the text begins with "hf:".
bool is_hub_name(const std::string& text);

/// Takes a name apart. What the hub could not have is an input error.
Result<HubName> parse_hub_name(const std::string& text);

/// The name that goes on meaning the same: "hf:ORG/REPO@COMMIT/FILE".
std::string pinned_name(const std::string& repository, const std::string& commit, const std::string& file);

/// The repository without its owner: "pythia-410m".
std::string short_name(const std::string& repository);

/// Whether this is a commit's full name: 40 hexadecimal digits.
bool is_commit(const std::string& revision);

/// Whether this is a path that may be made below a folder: relative, without "..", "." and empty parts.
bool is_inner_path(const std::string& path);

}  // namespace hre::hub
