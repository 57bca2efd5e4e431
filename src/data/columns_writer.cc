#include "data/columns_writer.h"

#include <arrow/builder.h>
#include <arrow/io/file.h>
#include <arrow/table.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include "core/text.h"
#include "data/arrow_status.h"

namespace hre::data {
namespace {

constexpr int64_t kGroupRows = 100000;

struct ToArray {
  arrow::Result<std::shared_ptr<arrow::Array>> operator()(const Column::Texts& values) const {
    arrow::StringBuilder builder;
    ARROW_RETURN_NOT_OK(builder.AppendValues(values));
    return builder.Finish();
  }
  arrow::Result<std::shared_ptr<arrow::Array>> operator()(const Column::Integers& values) const {
    arrow::Int64Builder builder;
    ARROW_RETURN_NOT_OK(builder.AppendValues(values));
    return builder.Finish();
  }
  arrow::Result<std::shared_ptr<arrow::Array>> operator()(const Column::Reals& values) const {
    arrow::DoubleBuilder builder;
    for (const auto& value : values) ARROW_RETURN_NOT_OK(value ? builder.Append(*value) : builder.AppendNull());
    return builder.Finish();
  }
};

arrow::Status write(const std::string& path, const std::vector<Column>& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const Column& column : columns) {
    ARROW_ASSIGN_OR_RAISE(auto array, std::visit(ToArray(), column.values));
    const bool nullable = std::holds_alternative<Column::Reals>(column.values);
    fields.push_back(arrow::field(column.name, array->type(), nullable));
    arrays.push_back(std::move(array));
  }
  const auto table = arrow::Table::Make(arrow::schema(fields), arrays);
  const auto properties =
      parquet::WriterProperties::Builder().compression(parquet::Compression::SNAPPY)->enable_page_checksum()->build();
  ARROW_ASSIGN_OR_RAISE(auto stream, arrow::io::FileOutputStream::Open(path));
  ARROW_RETURN_NOT_OK(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), stream, kGroupRows, properties));
  return stream->Close();
}

}  // namespace

Status write_columns(const std::string& path, const std::vector<Column>& columns) {
  const auto cannot = [&](const std::string& what) {
    return fail(ErrorCode::kFailed, "cannot be written: " + first_line(what), path);
  };
  try {
    const arrow::Status status = write(path, columns);
    if (!status.ok()) return cannot(message_of(status));
    return {};
  } catch (const std::exception& problem) {
    return cannot(problem.what());
  }
}

}  // namespace hre::data
