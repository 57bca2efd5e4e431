#pragma once
/// What readers must know before they read a run's values: the same sentences wherever they are shown.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hre/run.h"

namespace hre {

/// A sentence where the votes of a dataset are invented: those of the built-in sample, wherever it lies.
std::optional<std::string> invented_votes_note(const std::string& dataset_source, const std::string& fingerprint);

/// A sentence each: that votes are invented, that the run is partial or was stopped early, that the numbers of answers
/// differ between its questions.
/// `done`: questions that were done, of a run whose questions are not here.
std::vector<std::string> run_notes(const Run& run, int64_t done);

/// Of several runs: those about the dataset once, those about a run after its name.
std::vector<std::string> notes_of(std::span<const Run* const> runs, std::span<const int64_t> done = {});

}  // namespace hre
