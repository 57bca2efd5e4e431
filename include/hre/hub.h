#pragma once
/// Models and datasets by name from the Hugging Face hub, kept in the same cache as Python's huggingface_hub:
/// `hf:ORG/REPO[@REVISION][/FILE]`. Endpoint, cache, token and offline mode come from its environment variables
/// (HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_TOKEN, HF_HUB_OFFLINE).
///
/// An example, which the tests run:
///
///   std::printf("%s\n", hre::is_hub_name("hf:ORG/REPO") ? "on the hub" : "a path");  // prints: on the hub
///   auto cached = hre::list_cache();
///   if (cached) std::printf("%zu repositories\n", cached->size());  // prints: 0 repositories

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/progress.h"
#include "hre/result.h"

namespace hre {

struct HubOptions {
  bool refresh = false;  ///< ask the hub for the revision's newest state, even if the cache could serve
  int connections = 8;
};

/// The files that a name stands for on this machine's disk.
struct HubFiles {
  std::string path;    ///< a .gguf file, a checkpoint's folder, a dataset's folder or file
  std::string source;  ///< the name with its commit, which always means the same files: "hf:ORG/REPO@COMMIT/FILE"
  std::string name;    ///< for people: "pythia-410m"
  int64_t bytes = 0;   ///< of its files
  int files = 0;
};

/// Whether MODEL or DATA is a name on the hub.
bool is_hub_name(const std::string& text);

/// Returns the files of a model or a dataset, and fetches those that the cache lacks. FILE may be a path or, for
/// models, a pattern (*Q4_K_M*) or a type of weights (Q4_K_M). Without a network only the cache is used.
Result<HubFiles> fetch_model(const std::string& name, const HubOptions& options, ProgressListener& progress,
                             std::stop_token stop);
Result<HubFiles> fetch_dataset(const std::string& name, const HubOptions& options, ProgressListener& progress,
                               std::stop_token stop);

/// The same for one file of a model's repository, by its path: FILE, such as a run's JSON.
Result<HubFiles> fetch_file(const std::string& name, const HubOptions& options, ProgressListener& progress,
                            std::stop_token stop);

/// The model file in a local folder, chosen as in a repository: `path` is a folder of .gguf files, or a pattern in a
/// folder ("models/*Q4_K_M*"). Any other path is returned unchanged.
Result<std::string> choose_local_model(const std::string& path);

/// A repository in the cache.
struct CachedRepository {
  std::string name;  ///< "hf:ORG/REPO"
  bool is_dataset = false;
  struct Revision {
    std::string commit;
    std::vector<std::string> references;  ///< branches and tags that pointed to it when the hub was last asked
    int64_t files = 0;
  };
  std::vector<Revision> revisions;
  int64_t bytes = 0;  ///< on the disk, including incomplete downloads
};

/// All repositories in the cache, sorted by name.
Result<std::vector<CachedRepository>> list_cache();

/// Removes a repository (or, for hf:ORG/REPO@REVISION, that revision and the files that only it uses) from the cache.
/// Returns the bytes freed. If both a model and a dataset have the name, both are removed.
Result<int64_t> remove_from_cache(const std::string& name);

}  // namespace hre
