#pragma once
/// Start reading here:
///
///   auto dataset = hre::load_dataset("sample");
///   auto model = hre::open_model("model.gguf", {});
///   auto run = hre::evaluate(*dataset, **model, {}, progress, stop);
///   hre::Summary summary = hre::summarize(run->questions);

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
