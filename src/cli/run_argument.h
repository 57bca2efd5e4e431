#pragma once
/// RUN, wherever a command takes one.

#include <string>
#include <vector>

#include "hre/run.h"
#include "report/run_json.h"

namespace hre::cli {

/// What help texts say of RUN.
constexpr char kRunHelp[] =
    "a run: its name, the beginning of its id, last, last~1, last:GLOB of names, or a JSON file (hre-run/1 with "
    "details), also hf:ORG/REPO/FILE.json";

/// What commands add to it that take logs of other harnesses too.
constexpr char kLogHelp[] =
    "; or a log of another harness (.jsonl, .csv, .eval, .parquet), FILE#NAME for one of its values";

/// Whether RUN names a file, not a run of the store.
bool names_file(const std::string& argument);

/// The run that RUN names: a JSON file, where it ends in .json or has a slash, which may lie on the hub; else a run of
/// the store, in all its ways to be named. An empty `store` is the default one.
Result<Run> load_run(const std::string& argument, const std::string& store = "");

/// What commands say of RUN that take runs without their questions too.
constexpr char kRunOrMeansHelp[] =
    "a run: its name, the beginning of its id, last, last~1, last:GLOB of names, or a JSON file (hre-run/1; best with "
    "details), also hf:ORG/REPO/FILE.json";

/// As load_runs, with what runs without their questions come to.
Result<std::vector<ReadRun>> load_runs_or_means(const std::vector<std::string>& arguments,
                                                const std::string& store = "");

/// All runs of all arguments, in their order; a file that holds several gives several.
Result<std::vector<Run>> load_runs(const std::vector<std::string>& arguments, const std::string& store = "");

}  // namespace hre::cli
