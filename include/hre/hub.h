#pragma once
/// Models and datasets by name from the Hugging Face hub, kept in the same cache as Python's huggingface_hub:
/// `hf:ORG/REPO[@REVISION][/FILE]`. Endpoint, cache, token and offline mode come from its environment variables
/// (HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_TOKEN, HF_HUB_OFFLINE).

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/progress.h"
#include "hre/result.h"

namespace hre {

struct HubOptions {
  bool refresh = false;  ///< ask the hub what the revision is now, also where the cache could serve
  int connections = 8;
};

/// What a name means, on this machine's disk.
struct HubFiles {
  std::string path;    ///< a .gguf file, a checkpoint's folder, a dataset's folder or file
  std::string source;  ///< the name with its commit, which goes on meaning the same: "hf:ORG/REPO@COMMIT/FILE"
  std::string name;    ///< for people: "pythia-410m"
  int64_t bytes = 0;   ///< of its files
  int files = 0;
};

/// Whether MODEL or DATA is a name on the hub.
bool is_hub_name(const std::string& text);

/// The files of a model or a dataset, fetched where the cache does not have them. FILE may be a path, for models also
/// a pattern (*Q4_K_M*) or a type of weights (Q4_K_M). Without a network the cache alone serves.
Result<HubFiles> fetch_model(const std::string& name, const HubOptions& options, ProgressListener& progress,
                             std::stop_token stop);
Result<HubFiles> fetch_dataset(const std::string& name, const HubOptions& options, ProgressListener& progress,
                               std::stop_token stop);

/// The model file in a local folder, chosen as in a repository: `path` is a folder of .gguf files, or a pattern in
/// one ("models/*Q4_K_M*"). Any other path comes back as it is.
Result<std::string> choose_local_model(const std::string& path);

/// A repository in the cache.
struct CachedRepository {
  std::string name;  ///< "hf:ORG/REPO"
  bool is_dataset = false;
  struct Revision {
    std::string commit;
    std::vector<std::string> references;  ///< branches and tags that meant it when last asked for
    int64_t files = 0;
  };
  std::vector<Revision> revisions;
  int64_t bytes = 0;  ///< on the disk, parts of broken downloads included
};

/// What the cache holds, by name.
Result<std::vector<CachedRepository>> list_cache();

/// Removes a repository (or, for hf:ORG/REPO@REVISION, that revision and what only it uses) from the cache.
/// Gives the bytes freed. A name that is both a model's and a dataset's is removed as both.
Result<int64_t> remove_from_cache(const std::string& name);

}  // namespace hre
