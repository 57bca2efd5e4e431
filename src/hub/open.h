#pragma once
/// The folder src/hub: models and datasets by name from the Hugging Face hub, in the cache of Python's huggingface_hub.
///
/// Not here: what a file holds: opening it is the work of src/model and src/data.
/// Types:    `HubName` is a parsed name; `RepoCache` the folder of a repository; `HubApi` asks the hub;
///           `download` fetches (download.h).
/// Owners:   the cache belongs to all programs of the machine: files appear whole, under locks.
/// Threads:  a download has a thread per connection; `stop` ends them all, and what is there stays.
/// To add:   a way to choose a file of a repository: choose.cc. A variable of the environment: settings.cc.

/// MODEL and DATA as the user gave them, wherever they are: a name on the hub becomes files on the disk, other things
/// stay as they are.

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "hre/dataset.h"
#include "hre/engine_options.h"
#include "hre/progress.h"
#include "hre/result.h"
#include "hre/run.h"
#include "hre/scorer.h"

namespace hre {

/// The dataset that is meant where none is named: the published one.
inline constexpr const char* kPublishedDataset = "hf:huawei-noah/human_rank_eval";

/// Where a MODEL or DATA lies. For a name on the hub `source` pins its commit, and `name` is for people; both are
/// empty for others, which speak for themselves.
struct Located {
  std::string path, source, name;
};

/// Fetches what is a name on the hub and not in the cache. A folder of .gguf files, or a pattern in one, becomes
/// the file that is meant.
Result<Located> locate_model(const std::string& model, ProgressListener& progress, const std::stop_token& stop);
Result<Located> locate_data(const std::string& data, ProgressListener& progress, const std::stop_token& stop);

/// Opens MODEL, wherever it is. Its description tells the pinned name.
Result<std::unique_ptr<Scorer>> open_model_argument(const std::string& model, const EngineOptions& options,
                                                    ProgressListener& progress, const std::stop_token& stop);

/// Reads DATA, wherever it is; empty: the published dataset.
Result<Dataset> load_data_argument(const std::string& data, ProgressListener& progress, const std::stop_token& stop);

/// Dataset and run belong together: equal fingerprints. The error names both.
Status check_fingerprint(const Run& run, const Dataset& dataset);

/// The dataset of a run, for its texts: from `data`, which must be the run's dataset, or, where that is empty, from
/// where the run found it. A dataset that is gone or has changed there is no failure: it is noted, and there is none.
Result<std::optional<Dataset>> dataset_of_run(const std::string& data, const Run& run, ProgressListener& progress);

}  // namespace hre
