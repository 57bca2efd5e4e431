#include "data/arrow_rows.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/float16.h>
#include <fmt/format.h>

#include <cmath>

#include "core/text.h"
#include "data/arrow_status.h"

namespace hre::data {
namespace {

constexpr const char* kColumns =
    "the columns must be question: string, answers: list<struct<text: string, votes: string>>";

constexpr const char* kLeaveOut = "give it a text, or leave it out";

template <class Array>
const Array& as(const arrow::Array& array) {
  return static_cast<const Array&>(array);
}

bool is_text(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return true;
    case arrow::Type::DICTIONARY:
      return is_text(*static_cast<const arrow::DictionaryType&>(type).value_type());
    default:
      return false;
  }
}

bool is_number(const arrow::DataType& type) { return arrow::is_integer(type.id()) || arrow::is_floating(type.id()); }

bool is_list(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
    case arrow::Type::LIST_VIEW:
    case arrow::Type::LARGE_LIST_VIEW:
      return true;
    default:
      return false;
  }
}

bool is_null(const arrow::Array& array, int64_t i) {
  if (array.IsNull(i)) return true;
  if (array.type_id() == arrow::Type::NA) return true;
  if (array.type_id() != arrow::Type::DICTIONARY) return false;
  const auto& encoded = as<arrow::DictionaryArray>(array);
  return is_null(*encoded.dictionary(), encoded.GetValueIndex(i));
}

std::string_view text_at(const arrow::Array& array, int64_t i) {
  switch (array.type_id()) {
    case arrow::Type::STRING:
      return as<arrow::StringArray>(array).GetView(i);
    case arrow::Type::LARGE_STRING:
      return as<arrow::LargeStringArray>(array).GetView(i);
    case arrow::Type::STRING_VIEW:
      return as<arrow::StringViewArray>(array).GetView(i);
    default:
      break;
  }
  const auto& encoded = as<arrow::DictionaryArray>(array);
  return text_at(*encoded.dictionary(), encoded.GetValueIndex(i));
}

double number_at(const arrow::Array& array, int64_t i) {
  switch (array.type_id()) {
    case arrow::Type::INT8:
      return as<arrow::Int8Array>(array).Value(i);
    case arrow::Type::INT16:
      return as<arrow::Int16Array>(array).Value(i);
    case arrow::Type::INT32:
      return as<arrow::Int32Array>(array).Value(i);
    case arrow::Type::INT64:
      return static_cast<double>(as<arrow::Int64Array>(array).Value(i));
    case arrow::Type::UINT8:
      return as<arrow::UInt8Array>(array).Value(i);
    case arrow::Type::UINT16:
      return as<arrow::UInt16Array>(array).Value(i);
    case arrow::Type::UINT32:
      return as<arrow::UInt32Array>(array).Value(i);
    case arrow::Type::UINT64:
      return static_cast<double>(as<arrow::UInt64Array>(array).Value(i));
    case arrow::Type::HALF_FLOAT:
      return arrow::util::Float16::FromBits(as<arrow::HalfFloatArray>(array).Value(i)).ToDouble();
    case arrow::Type::FLOAT:
      return as<arrow::FloatArray>(array).Value(i);
    default:
      return as<arrow::DoubleArray>(array).Value(i);
  }
}

/// An integer with all its digits, of which a double would keep only 53 bits.
std::string digits_at(const arrow::Array& array, int64_t i) {
  switch (array.type_id()) {
    case arrow::Type::INT64:
      return std::to_string(as<arrow::Int64Array>(array).Value(i));
    case arrow::Type::UINT64:
      return std::to_string(as<arrow::UInt64Array>(array).Value(i));
    default:
      return format_number(number_at(array, i));
  }
}

struct Span {
  int64_t begin, end;
};

/// Calls a function with a list array cast to its own type.
template <class Function>
auto with_list(const arrow::Array& array, Function function) {
  switch (array.type_id()) {
    case arrow::Type::LIST:
      return function(as<arrow::ListArray>(array));
    case arrow::Type::LARGE_LIST:
      return function(as<arrow::LargeListArray>(array));
    case arrow::Type::LIST_VIEW:
      return function(as<arrow::ListViewArray>(array));
    case arrow::Type::LARGE_LIST_VIEW:
      return function(as<arrow::LargeListViewArray>(array));
    default:
      return function(as<arrow::FixedSizeListArray>(array));
  }
}

Span list_span(const arrow::Array& array, int64_t i) {
  return with_list(array, [i](const auto& list) -> Span {
    return {list.value_offset(i), list.value_offset(i) + list.value_length(i)};
  });
}

std::shared_ptr<arrow::Array> list_items(const arrow::Array& array) {
  return with_list(array, [](const auto& list) { return list.values(); });
}

Result<std::string> text_of(const arrow::Array& column, int64_t i, const std::string& where) {
  const std::string_view text = text_at(column, i);
  if (const std::optional<size_t> bad = find_invalid_utf8(text)) {
    return input_error(fmt::format("invalid UTF-8 at byte {} of the text", *bad), where, "save the text as UTF-8");
  }
  return std::string(text);
}

Result<double> votes_of(const arrow::Array& column, int64_t i, const std::string& where) {
  constexpr const char* kVotes = "votes must be numbers, or strings that hold a number";
  if (is_null(column, i)) return input_error("an answer without votes (null)", where, kVotes);
  if (is_text(*column.type())) {
    const std::string_view text = text_at(column, i);
    const std::optional<double> value = parse_finite_number(text);
    if (value) return *value + 0.0;  // no negative zero
    const bool readable = !find_invalid_utf8(text);
    return input_error(readable ? fmt::format("\"{}\" is not a number", first_code_points(text, 40)) : "invalid UTF-8",
                       where, kVotes);
  }
  const double value = number_at(column, i);
  if (!std::isfinite(value)) return input_error(fmt::format("{} is not a finite number", value), where, kVotes);
  return value + 0.0;
}

/// Makes an answer from the columns of texts and votes, at one index in each.
Result<Answer> answer_of(const arrow::Array& texts, int64_t text_at, const arrow::Array& votes, int64_t votes_at,
                         const std::string& where) {
  if (is_null(texts, text_at)) return input_error("an answer without text (null)", where + ", column text", kLeaveOut);
  Result<std::string> text = text_of(texts, text_at, where + ", column text");
  if (!text) return forward(text);
  Result<double> value = votes_of(votes, votes_at, where + ", column votes");
  if (!value) return forward(value);
  return Answer{.text = *std::move(text), .votes = *value};
}

/// A struct of lists, as `datasets` stores a Sequence of structs: all texts together and all votes together.
Result<std::vector<Answer>> answers_of_lists(const arrow::StructArray& column, int64_t row, const std::string& where) {
  const std::shared_ptr<arrow::Array> texts = column.GetFieldByName("text"), votes = column.GetFieldByName("votes");
  if (texts->IsNull(row) || votes->IsNull(row)) {
    return input_error("no answers (null)", where + ", column answers", kLeaveOut);
  }
  const Span text_span = list_span(*texts, row), votes_span = list_span(*votes, row);
  const int64_t n = text_span.end - text_span.begin, n_votes = votes_span.end - votes_span.begin;
  if (n != n_votes) {
    return input_error(fmt::format("{} texts and {} votes", n, n_votes), where + ", column answers",
                       "each answer needs a text and votes");
  }
  const std::shared_ptr<arrow::Array> text_items = list_items(*texts), votes_items = list_items(*votes);
  std::vector<Answer> answers;
  for (int64_t i = 0; i < n; ++i) {
    Result<Answer> answer = answer_of(*text_items, text_span.begin + i, *votes_items, votes_span.begin + i,
                                      fmt::format("{}, answer {}", where, i + 1));
    if (!answer) return forward(answer);
    answers.push_back(*std::move(answer));
  }
  return answers;
}

Result<std::vector<Answer>> answers_of(const arrow::Array& column, int64_t row, const std::string& where) {
  if (column.IsNull(row)) return input_error("no answers (null)", where + ", column answers", kLeaveOut);
  if (column.type_id() == arrow::Type::STRUCT) return answers_of_lists(as<arrow::StructArray>(column), row, where);
  const Span span = list_span(column, row);
  const std::shared_ptr<arrow::Array> listed = list_items(column);
  const auto& items = as<arrow::StructArray>(*listed);
  const std::shared_ptr<arrow::Array> texts = items.GetFieldByName("text"), votes = items.GetFieldByName("votes");
  std::vector<Answer> answers;
  for (int64_t i = span.begin; i < span.end; ++i) {
    const std::string place = fmt::format("{}, answer {}", where, i - span.begin + 1);
    if (items.IsNull(i)) return input_error("the answer is null", place, kLeaveOut);
    Result<Answer> answer = answer_of(*texts, i, *votes, i, place);
    if (!answer) return forward(answer);
    answers.push_back(*std::move(answer));
  }
  return answers;
}

// A column that may be missing, or null in this row.
Result<std::optional<std::string>> optional_text(const arrow::RecordBatch& batch, const char* name, int64_t row,
                                                 const std::string& where) {
  const std::shared_ptr<arrow::Array> column = batch.GetColumnByName(name);
  if (!column || is_null(*column, row)) return std::nullopt;
  if (!is_text(*column->type())) return digits_at(*column, row);
  Result<std::string> text = text_of(*column, row, fmt::format("{}, column {}", where, name));
  if (!text) return forward(text);
  return *std::move(text);
}

tl::unexpected<Error> wrong_type(const std::string& column, const arrow::DataType& type, const char* wanted,
                                 const std::string& file) {
  return input_error(fmt::format("the type is {}, where {} is expected", type.ToString(), wanted),
                     file + ", column " + column, kColumns);
}

Status check_answers(const arrow::DataType& type, const std::string& file) {
  constexpr const char* kWanted = "a list of structs with text and votes";
  const bool of_lists = type.id() == arrow::Type::STRUCT;
  if (!of_lists && !is_list(type)) return wrong_type("answers", type, kWanted, file);
  const arrow::DataType& item = of_lists ? type : *static_cast<const arrow::BaseListType&>(type).value_type();
  if (item.id() != arrow::Type::STRUCT) return wrong_type("answers", type, kWanted, file);
  const auto& fields = static_cast<const arrow::StructType&>(item);
  const auto text = fields.GetFieldByName("text"), votes = fields.GetFieldByName("votes");
  if (!text || !votes) {
    return input_error(fmt::format("the structs need exactly one field \"{}\"", text ? "votes" : "text"),
                       file + ", column answers", kColumns);
  }
  if (of_lists && (!is_list(*text->type()) || !is_list(*votes->type()))) {
    return wrong_type("answers", type, kWanted, file);
  }
  const auto item_type = [&](const arrow::Field& field) -> const arrow::DataType& {
    return of_lists ? *static_cast<const arrow::BaseListType&>(*field.type()).value_type() : *field.type();
  };
  if (!is_text(item_type(*text))) return wrong_type("answers.text", item_type(*text), "a string", file);
  if (is_text(item_type(*votes)) || is_number(item_type(*votes))) return {};
  return wrong_type("answers.votes", item_type(*votes), "a string or a number", file);
}

using TypePointer = std::shared_ptr<arrow::DataType>;

// The type with binary in place of string.
TypePointer without_text(const TypePointer& type) {
  arrow::FieldVector fields;
  for (const auto& field : type->fields()) fields.push_back(field->WithType(without_text(field->type())));
  switch (type->id()) {
    case arrow::Type::STRING:
      return arrow::binary();
    case arrow::Type::LARGE_STRING:
      return arrow::large_binary();
    case arrow::Type::STRING_VIEW:
      return arrow::binary_view();
    case arrow::Type::STRUCT:
      return arrow::struct_(fields);
    case arrow::Type::LIST:
      return arrow::list(fields[0]);
    case arrow::Type::LARGE_LIST:
      return arrow::large_list(fields[0]);
    case arrow::Type::LIST_VIEW:
      return arrow::list_view(fields[0]);
    case arrow::Type::LARGE_LIST_VIEW:
      return arrow::large_list_view(fields[0]);
    case arrow::Type::FIXED_SIZE_LIST:
      return arrow::fixed_size_list(fields[0], static_cast<const arrow::FixedSizeListType&>(*type).list_size());
    case arrow::Type::DICTIONARY: {
      const auto& coded = static_cast<const arrow::DictionaryType&>(*type);
      return arrow::dictionary(coded.index_type(), without_text(coded.value_type()), coded.ordered());
    }
    default:
      return type;
  }
}

// The same memory, viewed as binary.
std::shared_ptr<arrow::ArrayData> without_text(const arrow::ArrayData& data) {
  std::shared_ptr<arrow::ArrayData> bytes = data.Copy();
  bytes->type = without_text(data.type);
  for (auto& child : bytes->child_data) child = without_text(*child);
  if (bytes->dictionary) bytes->dictionary = without_text(*bytes->dictionary);
  return bytes;
}

}  // namespace

std::string find_corruption(const arrow::RecordBatch& batch) {
  for (const char* name : {"question", "answers", "id", "topic"}) {
    const std::shared_ptr<arrow::Array> column = batch.GetColumnByName(name);
    if (!column) continue;
    if (column->length() != batch.num_rows()) return fmt::format("column {} has the wrong number of rows", name);
    const arrow::Status status = arrow::MakeArray(without_text(*column->data()))->ValidateFull();
    if (!status.ok()) return fmt::format("column {}: {}", name, message_of(status));
  }
  return {};
}

Status check_schema(const arrow::Schema& schema, const std::string& file) {
  for (const char* name : {"question", "answers", "id", "topic"}) {
    const size_t n = schema.GetAllFieldIndices(name).size();
    if (n > 1) return input_error(fmt::format("the column appears {} times", n), file + ", column " + name, kColumns);
    if (n == 0 && (name[0] == 'q' || name[0] == 'a')) {
      return input_error(
          fmt::format("there is no column \"{}\" (the columns are {})", name, join(schema.field_names())), file,
          kColumns);
    }
  }
  const arrow::DataType& question = *schema.GetFieldByName("question")->type();
  if (!is_text(question)) return wrong_type("question", question, "a string", file);
  if (const auto topic = schema.GetFieldByName("topic"); topic && !is_text(*topic->type())) {
    return wrong_type("topic", *topic->type(), "a string", file);
  }
  if (const auto id = schema.GetFieldByName("id");
      id && !is_text(*id->type()) && !arrow::is_integer(id->type()->id())) {
    return wrong_type("id", *id->type(), "a string", file);
  }
  return check_answers(*schema.GetFieldByName("answers")->type(), file);
}

Result<Row> row_of_batch(const arrow::RecordBatch& batch, int64_t i, const std::string& where) {
  const std::shared_ptr<arrow::Array> questions = batch.GetColumnByName("question");
  if (is_null(*questions, i))
    return input_error("a question without text (null)", where + ", column question", kLeaveOut);
  Result<std::string> text = text_of(*questions, i, where + ", column question");
  if (!text) return forward(text);
  Result<std::vector<Answer>> answers = answers_of(*batch.GetColumnByName("answers"), i, where);
  if (!answers) return forward(answers);
  Result<std::optional<std::string>> id = optional_text(batch, "id", i, where),
                                     topic = optional_text(batch, "topic", i, where);
  if (!id) return forward(id);
  if (*id && (*id)->empty())
    return input_error("the id is empty", where + ", column id", "leave out the column to number the questions");
  if (!topic) return forward(topic);
  return Row{
      .id = *std::move(id), .topic = *std::move(topic), .text = *std::move(text), .answers = *std::move(answers)};
}

}  // namespace hre::data
