#pragma once
/// The data inside a page, as JSON: an index that the page reads at once, and parts of some questions each that it
/// unpacks when they are looked at.

#include <string>
#include <vector>

#include "report/report_data.h"

namespace hre {

constexpr size_t kQuestionsAPart = 64;

/// Runs, means, comparisons, and of every question its id, topic, beginning and values.
std::string page_index(const ReportData& data);

/// Questions [from, from + kQuestionsAPart): texts, votes, scores and lengths.
std::string page_questions(const ReportData& data, size_t from);

/// The same questions' tokens: where they end and their log-probabilities. Empty where no run has kept them.
std::string page_tokens(const ReportData& data, size_t from);

}  // namespace hre
