#include "data/arrow_reader.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/c/bridge.h>
#include <arrow/io/file.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include <algorithm>
#include <utility>

#include "core/text.h"
#include "data/arrow_rows.h"
#include "data/arrow_status.h"

namespace hre::data {
namespace {

using arrow::io::RandomAccessFile;

constexpr int64_t kBatchRows = 256;
constexpr const char* kFetchAgain = "it may be damaged or cut short: copy or fetch it again";

tl::unexpected<Error> unreadable(const std::string& what, const std::string& where) {
  return input_error("the file cannot be read: " + first_line(what), where, kFetchAgain);
}

tl::unexpected<Error> unreadable(const arrow::Status& status, const std::string& where) {
  return unreadable(status.IsOutOfMemory() ? "it asks for more memory than any such file needs" : message_of(status),
                    where);
}

// Calls a function that may throw, and turns an exception into an error.
template <class Function>
auto guarded(const std::string& where, Function function) -> decltype(function()) {
  try {
    return function();
  } catch (const std::exception& problem) {
    return unreadable(problem.what(), where);
  }
}

// The objects behind a reader, in an order in which they can be destroyed.
struct Input {
  std::string name;
  std::unique_ptr<arrow::ProxyMemoryPool> counted;  // counts only this reader's memory
  std::unique_ptr<arrow::MemoryPool> pool;
  std::shared_ptr<RandomAccessFile> file;
  std::unique_ptr<parquet::arrow::FileReader> parquet;  // of a parquet file
  std::shared_ptr<arrow::RecordBatchReader> batches;
  int64_t total = 0;  // for progress: rows of a parquet file, bytes of a stream
};

class BatchRowReader final : public RowReader {
 public:
  explicit BatchRowReader(Input input) : input_(std::move(input)) {}

  Result<std::optional<Row>> next() override {
    return guarded(where(), [this] { return next_row(); });
  }

  [[nodiscard]] std::string where() const override { return fmt::format("{}, row {}", input_.name, row_number_); }

  [[nodiscard]] double progress() const override {
    if (input_.total <= 0) return 1;
    const int64_t done = input_.parquet ? row_number_ : input_.file->Tell().ValueOr(0);
    return std::min(1.0, static_cast<double>(done) / static_cast<double>(input_.total));
  }

 private:
  Result<std::optional<Row>> next_row() {
    while (!batch_ || row_in_batch_ == batch_->num_rows()) {
      row_in_batch_ = 0;
      if (const arrow::Status status = input_.batches->ReadNext(&batch_); !status.ok())
        return unreadable(status, after());
      if (!batch_) return std::nullopt;
      if (const std::string corruption = find_corruption(*batch_); !corruption.empty())
        return unreadable(corruption, after());
    }
    ++row_number_;
    Result<Row> row = row_of_batch(*batch_, row_in_batch_++, where());
    if (!row) return forward(row);
    return *std::move(row);
  }

  [[nodiscard]] std::string after() const {
    return row_number_ == 0 ? input_.name : fmt::format("{}, after row {}", input_.name, row_number_);
  }

  Input input_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  int64_t row_in_batch_ = 0;
  int64_t row_number_ = 0;
};

using parquet::arrow::SchemaField;

void add_leaves(const SchemaField& field, std::vector<int>& leaves) {
  if (field.column_index >= 0) leaves.push_back(field.column_index);
  for (const SchemaField& child : field.children) add_leaves(child, leaves);
}

// The leaf columns to read; the others are not even decompressed.
std::vector<int> wanted_leaves(const parquet::arrow::SchemaManifest& manifest) {
  std::vector<int> leaves;
  for (const SchemaField& field : manifest.schema_fields) {
    const std::string& name = field.field->name();
    if (name == "question" || name == "id" || name == "topic") add_leaves(field, leaves);
    if (name != "answers") continue;
    const bool of_lists = field.field->type()->id() == arrow::Type::STRUCT;
    for (const SchemaField& member : of_lists ? field.children : field.children.at(0).children) {
      if (member.field->name() == "text" || member.field->name() == "votes") add_leaves(member, leaves);
    }
  }
  return leaves;
}

/// Opens the file for reading, and gives its schema.
Result<std::shared_ptr<arrow::Schema>> open_columns(Input& input) {
  parquet::ArrowReaderProperties properties(/*use_threads=*/false);
  properties.set_batch_size(kBatchRows);
  properties.set_pre_buffer(false);
  parquet::ReaderProperties file_properties(input.pool.get());
  file_properties.set_page_checksum_verification(true);
  parquet::arrow::FileReaderBuilder builder;
  if (const arrow::Status status = builder.Open(input.file, file_properties); !status.ok())
    return unreadable(status, input.name);
  auto reader = builder.memory_pool(input.pool.get())->properties(properties)->Build();
  if (!reader.ok()) return unreadable(reader.status(), input.name);
  input.parquet = *std::move(reader);

  std::shared_ptr<arrow::Schema> schema;
  if (const arrow::Status status = input.parquet->GetSchema(&schema); !status.ok())
    return unreadable(status, input.name);
  return schema;
}

Status read_columns(Input& input, const std::vector<int>& leaves) {
  std::vector<int> row_groups(input.parquet->num_row_groups());
  for (size_t i = 0; i < row_groups.size(); ++i) row_groups[i] = static_cast<int>(i);
  auto batches = input.parquet->GetRecordBatchReader(row_groups, leaves);
  if (!batches.ok()) return unreadable(batches.status(), input.name);
  input.batches = *std::move(batches);
  return {};
}

Result<std::unique_ptr<RowReader>> parquet_rows(Input input) {
  auto schema = open_columns(input);
  if (!schema) return forward(schema);
  if (Status checked = check_schema(**schema, input.name); !checked) return forward(checked);
  if (Status read = read_columns(input, wanted_leaves(input.parquet->manifest())); !read) return forward(read);
  input.total = input.parquet->parquet_reader()->metadata()->num_rows();
  return std::make_unique<BatchRowReader>(std::move(input));
}

// Single values of a schema, each with its path.
void add_cells(const SchemaField& field, const std::string& prefix,
               const std::function<bool(const std::string&)>& wanted, std::vector<int>& leaves) {
  const std::string path = prefix + field.field->name();
  const arrow::DataType& type = *field.field->type();
  if (type.id() == arrow::Type::STRUCT) {
    for (const SchemaField& child : field.children) add_cells(child, path + ".", wanted, leaves);
  } else if (field.column_index >= 0 && wanted(path) &&
             (arrow::is_integer(type.id()) || arrow::is_floating(type.id()) || arrow::is_base_binary_like(type.id()) ||
              type.id() == arrow::Type::BOOL)) {
    leaves.push_back(field.column_index);
  }
}

// The columns of a batch with structs taken apart; a struct that is null has null members.
Status add_arrays(const std::shared_ptr<arrow::Array>& array, const std::string& path, const std::string& where,
                  std::vector<std::string>& names, std::vector<std::shared_ptr<arrow::Array>>& arrays) {
  if (array->type_id() != arrow::Type::STRUCT) {
    names.push_back(path);
    arrays.push_back(array);
    return {};
  }
  auto members = static_cast<const arrow::StructArray&>(*array).Flatten();
  if (!members.ok()) return unreadable(members.status(), where);
  for (size_t i = 0; i < members->size(); ++i) {
    const std::string& name = array->type()->field(static_cast<int>(i))->name();
    if (Status added = add_arrays((*members)[i], path + "." + name, where, names, arrays); !added) return added;
  }
  return {};
}

Result<CellValue> cell_of(const arrow::Array& array, int64_t i, const std::string& where) {
  auto scalar = array.GetScalar(i);
  if (!scalar.ok()) return unreadable(scalar.status(), where);
  if (!(*scalar)->is_valid) return CellValue();
  if (arrow::is_base_binary_like(array.type_id())) {
    std::string text = (*scalar)->ToString();
    if (find_invalid_utf8(text)) return input_error("invalid UTF-8", where);
    return CellValue(std::move(text));
  }
  auto number = (*scalar)->CastTo(arrow::float64());
  if (!number.ok()) return unreadable(number.status(), where);
  return CellValue(static_cast<const arrow::DoubleScalar&>(**number).value);
}

Status visit_cells(Input input, const std::function<bool(const std::string&)>& wanted, const VisitCells& visit) {
  auto schema = open_columns(input);
  if (!schema) return forward(schema);
  std::vector<int> leaves;
  for (const SchemaField& field : input.parquet->manifest().schema_fields) add_cells(field, "", wanted, leaves);
  if (leaves.empty()) return {};
  if (Status read = read_columns(input, leaves); !read) return read;
  std::shared_ptr<arrow::RecordBatch> batch;
  for (int64_t row = 1;;) {
    if (const arrow::Status status = input.batches->ReadNext(&batch); !status.ok()) {
      return unreadable(status, input.name);
    }
    if (!batch) return {};
    if (const arrow::Status status = batch->ValidateFull(); !status.ok()) return unreadable(status, input.name);
    std::vector<std::string> columns;
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (int i = 0; i < batch->num_columns(); ++i) {
      Status added = add_arrays(batch->column(i), batch->column_name(i), input.name, columns, arrays);
      if (!added) return added;
    }
    for (int64_t i = 0; i < batch->num_rows(); ++i, ++row) {
      std::vector<CellValue> cells;
      for (const auto& array : arrays) {
        auto cell = cell_of(*array, i, fmt::format("{}, row {}", input.name, row));
        if (!cell) return forward(cell);
        cells.push_back(*std::move(cell));
      }
      if (Status visited = visit(columns, cells); !visited) return visited;
    }
  }
}

// A complete stream ends with this mark; without it, rows may be missing.
Status check_end_mark(RandomAccessFile& file, const std::string& name) {
  constexpr std::string_view kEnd("\xFF\xFF\xFF\xFF\0\0\0\0", 8);
  const int64_t size = file.GetSize().ValueOr(0);
  if (size == 0) return input_error("the file is empty", name, kFetchAgain);
  char tail[8] = {};
  const bool read = size >= 8 && file.ReadAt(size - 8, 8, tail).ValueOr(0) == 8;
  if (read && std::string_view(tail, 8) == kEnd && file.Seek(0).ok()) return {};
  char head[6] = {};
  if (size >= 8 && file.ReadAt(0, 6, head).ValueOr(0) == 6 && std::string_view(head, 6) == "ARROW1") {
    return input_error("this is Arrow's file format (Feather), not its stream format", name,
                       "save it with datasets.save_to_disk, or as parquet");
  }
  return input_error("the Arrow stream has no end marker", name, kFetchAgain);
}

Result<std::unique_ptr<RowReader>> stream_rows(Input input) {
  if (Status whole = check_end_mark(*input.file, input.name); !whole) return forward(whole);
  arrow::ipc::IpcReadOptions options;
  options.use_threads = false;
  options.memory_pool = input.pool.get();
  auto reader = arrow::ipc::RecordBatchStreamReader::Open(input.file, options);
  if (!reader.ok()) return unreadable(reader.status(), input.name);
  input.batches = *std::move(reader);
  if (Status checked = check_schema(*input.batches->schema(), input.name); !checked) return forward(checked);
  input.total = input.file->GetSize().ValueOr(0);
  return std::make_unique<BatchRowReader>(std::move(input));
}

Input input_of(const std::string& name, int64_t memory_limit) {
  Input input;
  input.name = name;
  input.counted = std::make_unique<arrow::ProxyMemoryPool>(arrow::default_memory_pool());
  input.pool = std::make_unique<arrow::CappedMemoryPool>(input.counted.get(), memory_limit);
  return input;
}

using OpenRows = Result<std::unique_ptr<RowReader>> (*)(Input);

template <class Read>
auto open_file(const std::string& path, Read read) -> decltype(read(Input())) {
  return guarded(path, [&]() -> decltype(read(Input())) {
    auto file = arrow::io::ReadableFile::Open(path);
    if (!file.ok()) return input_error("cannot be opened: " + message_of(file.status()), path, "check its permissions");
    Input input = input_of(path, memory_limit_for((*file)->GetSize().ValueOr(0)));
    auto capped = arrow::io::ReadableFile::Open(path, input.pool.get());
    if (!capped.ok()) return unreadable(capped.status(), path);
    input.file = *std::move(capped);
    return read(std::move(input));
  });
}

Result<std::unique_ptr<RowReader>> read_bytes(std::string_view bytes, const std::string& name, int64_t memory_limit,
                                              OpenRows rows) {
  return guarded(name, [&]() -> Result<std::unique_ptr<RowReader>> {
    Input input = input_of(name, memory_limit);
    input.file = std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::string(bytes)));
    return rows(std::move(input));
  });
}

}  // namespace

int64_t memory_limit_for(uint64_t file_bytes) {
  constexpr int64_t kBase = int64_t{1} << 30;
  constexpr int64_t kTimes = 16;
  return kBase + kTimes * static_cast<int64_t>(std::min<uint64_t>(file_bytes, uint64_t{1} << 50));
}

Result<std::unique_ptr<RowReader>> open_parquet(const std::string& path) { return open_file(path, parquet_rows); }
Result<std::unique_ptr<RowReader>> open_arrow_stream(const std::string& path) { return open_file(path, stream_rows); }

Status visit_parquet(const std::string& path, const std::function<bool(const std::string& column)>& wanted,
                     const VisitCells& visit) {
  return open_file(path, [&](Input input) { return visit_cells(std::move(input), wanted, visit); });
}

Result<std::unique_ptr<RowReader>> read_parquet(std::string_view bytes, const std::string& name, int64_t memory_limit) {
  return read_bytes(bytes, name, memory_limit, parquet_rows);
}

Result<std::unique_ptr<RowReader>> read_arrow_stream(std::string_view bytes, const std::string& name,
                                                     int64_t memory_limit) {
  return read_bytes(bytes, name, memory_limit, stream_rows);
}

Result<std::unique_ptr<RowReader>> read_arrow_batches(ArrowArrayStream* stream, const std::string& name) {
  return guarded(name, [&]() -> Result<std::unique_ptr<RowReader>> {
    auto batches = arrow::ImportRecordBatchReader(stream);
    if (!batches.ok()) return input_error("is not a table: " + message_of(batches.status()), name);
    Input input;
    input.name = name;
    input.batches = *std::move(batches);
    if (Status checked = check_schema(*input.batches->schema(), name); !checked) return forward(checked);
    return std::make_unique<BatchRowReader>(std::move(input));
  });
}

}  // namespace hre::data
