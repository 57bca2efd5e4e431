#pragma once
/// Rows out of Arrow record batches, whatever file they came from. Columns: question (a string),
/// answers (a list of structs with text and votes), and if wanted id and topic; others are ignored.

#include <memory>
#include <string>

#include "data/rows.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace hre::data {

/// Refuses a schema without these columns, or with other types; `file` is for messages.
Status check_schema(const arrow::Schema& schema, const std::string& file);

/// What is wrong with the memory of a batch that has passed check_schema: offsets, lengths, codes that
/// lead out of it; empty if nothing. Invalid UTF-8 is left to row_of_batch, which can say where.
std::string find_corruption(const arrow::RecordBatch& batch);

/// Row `i` of a batch without corruption; `where` names the row.
Result<Row> row_of_batch(const arrow::RecordBatch& batch, int64_t i, const std::string& where);

}  // namespace hre::data
