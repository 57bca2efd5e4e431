#pragma once
/// Rows from Arrow record batches, whatever file they came from. Columns: question (a string), answers (a list of
/// structs with text and votes) and, on request, id and topic; other columns are ignored.

#include <memory>
#include <string>

#include "data/rows.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace hre::data {

/// Refuses a schema in which these columns are missing or have other types; `file` is for messages.
Status check_schema(const arrow::Schema& schema, const std::string& file);

/// Describes corruption in the memory of a batch that has passed check_schema (offsets, lengths or codes that point
/// outside of it); empty if there is none. Invalid UTF-8 is left to row_of_batch, which can name the row.
std::string find_corruption(const arrow::RecordBatch& batch);

/// Reads row `i` of a batch without corruption; `where` names the row.
Result<Row> row_of_batch(const arrow::RecordBatch& batch, int64_t i, const std::string& where);

}  // namespace hre::data
