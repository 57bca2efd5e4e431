#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include <map>
#include <set>
#include <utility>

#include "core/question_name.h"
#include "core/text.h"
#include "data/arrow_status.h"
#include "data/writer.h"

namespace hre::data {
namespace {

constexpr int64_t kGroupRows = 1000;
constexpr size_t kGroupBytes = size_t{16} << 20;

tl::unexpected<Error> cannot_write(const std::string& what, const std::string& path) {
  return fail(ErrorCode::kFailed, "cannot be written: " + first_line(what), path);
}

std::shared_ptr<arrow::Schema> published_schema(Ids ids) {
  const auto answer = arrow::struct_({arrow::field("text", arrow::utf8()), arrow::field("votes", arrow::utf8())});
  arrow::FieldVector fields = {arrow::field("question", arrow::utf8()),
                               arrow::field("answers", arrow::list(arrow::field("element", answer)))};
  if (ids == Ids::kOwn) fields.insert(fields.begin(), arrow::field("id", arrow::utf8()));
  return arrow::schema(fields);
}

// Rows that are collected for a row group.
class RowGroup {
 public:
  explicit RowGroup(std::shared_ptr<arrow::Schema> schema)
      : schema_(std::move(schema)),
        text_(std::make_shared<arrow::StringBuilder>()),
        votes_(std::make_shared<arrow::StringBuilder>()),
        answer_(
            std::make_shared<arrow::StructBuilder>(answer_type(), arrow::default_memory_pool(),
                                                   std::vector<std::shared_ptr<arrow::ArrayBuilder>>{text_, votes_})),
        answers_(arrow::default_memory_pool(), answer_, schema_->GetFieldByName("answers")->type()) {}

  arrow::Status append(const Question& question) {
    ARROW_RETURN_NOT_OK(id_.Append(question.id));
    ARROW_RETURN_NOT_OK(question_.Append(question.text));
    ARROW_RETURN_NOT_OK(answers_.Append());
    bytes_ += question.text.size();
    for (const Answer& answer : question.answers) {
      ARROW_RETURN_NOT_OK(answer_->Append());
      ARROW_RETURN_NOT_OK(text_->Append(answer.text));
      ARROW_RETURN_NOT_OK(votes_->Append(format_number(answer.votes)));
      bytes_ += answer.text.size();
    }
    return arrow::Status::OK();
  }

  [[nodiscard]] bool is_full() const { return question_.length() >= kGroupRows || bytes_ >= kGroupBytes; }
  [[nodiscard]] bool is_empty() const { return question_.length() == 0; }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> take() {
    arrow::ArrayVector columns;
    ARROW_ASSIGN_OR_RAISE(auto ids, id_.Finish());
    if (schema_->num_fields() == 3) columns.push_back(std::move(ids));
    ARROW_ASSIGN_OR_RAISE(auto questions, question_.Finish());
    ARROW_ASSIGN_OR_RAISE(auto answers, answers_.Finish());
    bytes_ = 0;
    const int64_t rows = questions->length();
    columns.push_back(std::move(questions));
    columns.push_back(std::move(answers));
    return arrow::RecordBatch::Make(schema_, rows, std::move(columns));
  }

 private:
  [[nodiscard]] std::shared_ptr<arrow::DataType> answer_type() const {
    return static_cast<const arrow::ListType&>(*schema_->GetFieldByName("answers")->type()).value_type();
  }

  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::StringBuilder> text_, votes_;
  std::shared_ptr<arrow::StructBuilder> answer_;
  arrow::ListBuilder answers_;
  arrow::StringBuilder id_, question_;
  size_t bytes_ = 0;
};

// The file of one split.
class SplitFile {
 public:
  static arrow::Result<std::unique_ptr<SplitFile>> open(const std::string& path, Ids ids) {
    auto file = std::unique_ptr<SplitFile>(new SplitFile(path, published_schema(ids)));
    const auto properties =
        parquet::WriterProperties::Builder().compression(parquet::Compression::SNAPPY)->enable_page_checksum()->build();
    ARROW_ASSIGN_OR_RAISE(file->stream_, arrow::io::FileOutputStream::Open(path));
    ARROW_ASSIGN_OR_RAISE(file->writer_, parquet::arrow::FileWriter::Open(*file->schema_, arrow::default_memory_pool(),
                                                                          file->stream_, properties));
    return file;
  }

  arrow::Status add(const Question& question) {
    ++count_;
    ARROW_RETURN_NOT_OK(rows_.append(question));
    return rows_.is_full() ? write_rows() : arrow::Status::OK();
  }

  arrow::Status close() {
    if (!rows_.is_empty()) ARROW_RETURN_NOT_OK(write_rows());
    ARROW_RETURN_NOT_OK(writer_->Close());
    return stream_->Close();
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int64_t count() const { return count_; }

 private:
  SplitFile(std::string path, std::shared_ptr<arrow::Schema> schema)
      : path_(std::move(path)), schema_(std::move(schema)), rows_(schema_) {}

  arrow::Status write_rows() {
    ARROW_ASSIGN_OR_RAISE(const auto batch, rows_.take());
    ARROW_RETURN_NOT_OK(writer_->NewBufferedRowGroup());
    return writer_->WriteRecordBatch(*batch);
  }

  std::string path_;
  std::shared_ptr<arrow::Schema> schema_;
  RowGroup rows_;
  int64_t count_ = 0;
  std::shared_ptr<arrow::io::FileOutputStream> stream_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
};

class ParquetWriter final : public DatasetWriter {
 public:
  ParquetWriter(std::string folder, Ids ids) : folder_(std::move(folder)), ids_(ids) {}

  Status add(const Question& question) override {
    if (Status checked = check_topic(question); !checked) return checked;
    return guarded([&] { return add_row(question); });
  }

  Status end_topic(const std::string& topic) override {
    const auto found = files_.find(topic);
    if (found == files_.end()) return {};
    SplitFile& file = *found->second;
    Status closed = guarded([&]() -> Status {
      const arrow::Status status = file.close();
      return status.ok() ? Status() : cannot_write(message_of(status), file.path());
    });
    files_.erase(found);
    ended_.insert(topic);
    return closed;
  }

  Status finish() override {
    while (!files_.empty()) {
      if (Status closed = end_topic(std::string(files_.begin()->first)); !closed) return closed;
    }
    return {};
  }

 private:
  template <class Function>
  Status guarded(Function function) {
    try {
      return function();
    } catch (const std::exception& problem) {
      return cannot_write(problem.what(), folder_);
    }
  }

  Status add_row(const Question& question) {
    if (ended_.contains(question.topic)) return cannot_write("its topic was ended", question.topic);
    std::unique_ptr<SplitFile>& file = files_[question.topic];
    if (!file) {
      const std::string path = fmt::format("{}/{}-00000-of-00001.parquet", folder_, split_of_topic(question.topic));
      auto opened = SplitFile::open(path, ids_);
      if (!opened.ok()) return cannot_write(message_of(opened.status()), path);
      file = *std::move(opened);
    }
    if (ids_ == Ids::kPositional && question.id != positional_id(question.topic, file->count())) {
      return fail(ErrorCode::kFailed, "its id is not positional and would be lost",
                  "question " + question_name(question.topic, question.id));
    }
    const arrow::Status status = file->add(question);
    return status.ok() ? Status() : cannot_write(message_of(status), file->path());
  }

  std::string folder_;
  Ids ids_;
  std::map<std::string, std::unique_ptr<SplitFile>> files_;  // by topic
  std::set<std::string> ended_;                              // topics whose files are complete
};

}  // namespace

Result<std::unique_ptr<DatasetWriter>> create_published(const std::string& folder, Ids ids) {
  return std::make_unique<ParquetWriter>(folder, ids);
}

}  // namespace hre::data
