#pragma once
/// Runs as tables: for spreadsheets, data frames and databases.

#include <string>
#include <string_view>
#include <vector>

#include "core/columns.h"
#include "hre/run.h"

namespace hre {

/// One row per answer, in the order of evaluation, with its question's values beside it. Questions that could not be
/// scored have none.
std::vector<Column> answer_columns(const Run& run);

/// One row per question: its values, and as many columns as the longest list of answers needs.
std::vector<Column> question_columns(const Run& run);

/// A field of RFC 4180: in quotes where it needs them.
std::string escaped_csv(std::string_view text);

/// RFC 4180 with a header; lines end in \n, numbers are in the shortest form that reads back equal.
std::string csv(const std::vector<Column>& columns);

}  // namespace hre
