#pragma once
/// From a dataset and a model to a run. Start reading here.
///
/// What holds for every header of include/hre:
/// - Errors are values (result.h): the library prints nothing, never ends the process, and lets no exception of the
///   libraries that it uses escape.
/// - Functions may be called from any thread, at the same time too. An object belongs to one thread at a time, unless
///   its comment says more. Threads and processes that a call starts end with it, those of an object with the
///   object; a thread that waits for an rpc-server which never answers is left behind.
/// - Programs must be compiled with the headers of the libhre.so that they load: a release may add members to a struct,
///   which moves the others. What a release takes away, CHANGELOG.md names.
/// - `stop` ends long work early: what is done is returned, or the error is kInterrupted.
///
/// An example, which the tests run:
///
///   auto dataset = hre::load_dataset("sample");
///   auto model = hre::open_model("baseline:zstd", hre::ModelOptions());
///   if (!dataset || !model) return 1;
///   hre::EvalOptions options;
///   options.topics = {"python"};
///   hre::SilentProgress progress;
///   auto run = hre::evaluate(*dataset, **model, options, progress, {});
///   if (!run) return 1;
///   const hre::Summary summary = hre::summarize(run->questions);
///   std::printf("%d of %s\n", static_cast<int>(summary.questions), summary.topics[0].topic.c_str());
///   // prints: 8 of python

#include <stop_token>

#include "hre/dataset.h"
#include "hre/progress.h"
#include "hre/result.h"
#include "hre/run.h"
#include "hre/scorer.h"
#include "hre/summary.h"

namespace hre {

/// Evaluates a model on a dataset. Interrupted by `stop` or by a model that fails half-way, it
/// returns what is done; see Run::partial and Run::failure. With a store, every finished question is kept there, and
/// the same call again goes on where this one stopped; a store that fails doesn't end the evaluation: see
/// Run::not_kept.
Result<Run> evaluate(const Dataset& dataset, Scorer& scorer, const EvalOptions& options, ProgressListener& progress,
                     std::stop_token stop, const Keeping& keeping = {});

}  // namespace hre
