#include "report/run_columns.h"

#include <algorithm>
#include <cmath>

#include "analysis/metric.h"
#include "analysis/notes.h"
#include "core/text.h"

namespace hre {
namespace {

std::optional<double> finite(double value) { return std::isfinite(value) ? std::optional(value) : std::nullopt; }

std::optional<double> known_bytes(const AnswerResult& answer) {
  return answer.n_bytes > 0 ? std::optional(static_cast<double>(answer.n_bytes)) : std::nullopt;
}

/// A column of one value per row: `rows` are whatever the value is taken from.
template <class Values, class Rows, class Take>
Column column(std::string name, const Rows& rows, Take take) {
  Values values;
  values.reserve(rows.size());
  for (const auto& row : rows) values.push_back(take(row));
  return {std::move(name), std::move(values)};
}

struct AnswerRow {
  const QuestionResult* question;
  size_t index;
  [[nodiscard]] const AnswerResult& answer() const { return question->answers[index]; }
};

std::vector<AnswerRow> answer_rows(const Run& run) {
  std::vector<AnswerRow> rows;
  for (const QuestionResult& question : run.questions) {
    for (size_t i = 0; i < question.answers.size(); ++i) rows.push_back({&question, i});
  }
  return rows;
}

using Texts = Column::Texts;
using Integers = Column::Integers;
using Reals = Column::Reals;

/// What readers must know of the run, the same in every row: no reader of tables loses a column, as it would a comment.
template <class Rows>
Column notes_column(const Run& run, const Rows& rows) {
  const std::string notes = join(run_notes(run, static_cast<int64_t>(run.questions.size())), " ");
  return column<Column::Texts>("notes", rows, [&](const auto&) { return notes; });
}

/// The columns of the answer at this place, for rows that may have fewer.
void add_answer(std::vector<Column>& columns, const Run& run, size_t i) {
  const std::string prefix = "answer_" + std::to_string(i + 1) + "_";
  const auto add = [&](const std::string& name, auto take) {
    columns.push_back(column<Reals>(prefix + name, run.questions, [&](const QuestionResult& question) {
      return i < question.answers.size() ? finite(take(question.answers[i])) : std::nullopt;
    }));
  };
  add("votes", [](const AnswerResult& a) { return a.votes; });
  add("n_chars", [](const AnswerResult& a) { return static_cast<double>(a.n_chars); });
  add("n_bytes", [](const AnswerResult& a) { return known_bytes(a).value_or(NAN); });
  add("n_tokens", [](const AnswerResult& a) { return static_cast<double>(a.n_tokens); });
  add("sum_log_prob", [](const AnswerResult& a) { return a.sum_log_prob; });
  add("score", [](const AnswerResult& a) { return a.score; });
}

struct Cell {
  size_t row;
  std::string operator()(const Texts& values) const { return escaped_csv(values[row]); }
  std::string operator()(const Integers& values) const { return std::to_string(values[row]); }
  std::string operator()(const Reals& values) const { return values[row] ? format_number(*values[row]) : ""; }
};

}  // namespace

std::vector<Column> answer_columns(const Run& run) {
  const std::vector<AnswerRow> rows = answer_rows(run);
  std::vector<Column> columns = {
      column<Texts>("model", rows, [&](const AnswerRow&) { return run.model.name; }),
      column<Texts>("dataset", rows, [&](const AnswerRow&) { return run.dataset_name; }),
      column<Texts>("topic", rows, [](const AnswerRow& row) { return row.question->topic; }),
      column<Texts>("question", rows, [](const AnswerRow& row) { return row.question->id; }),
      column<Integers>("answer", rows, [](const AnswerRow& row) { return static_cast<int64_t>(row.index + 1); }),
      column<Reals>("votes", rows, [](const AnswerRow& row) { return finite(row.answer().votes); }),
      column<Integers>("n_chars", rows, [](const AnswerRow& row) { return row.answer().n_chars; }),
      column<Reals>("n_bytes", rows, [](const AnswerRow& row) { return known_bytes(row.answer()); }),
      column<Integers>("n_tokens", rows, [](const AnswerRow& row) { return int64_t{row.answer().n_tokens}; }),
      column<Integers>("n_truncated", rows, [](const AnswerRow& row) { return int64_t{row.answer().n_truncated}; }),
      column<Integers>("n_cut_chars", rows, [](const AnswerRow& row) { return int64_t{row.answer().n_cut_chars}; }),
      column<Reals>("reference_log_prob", rows,
                    [](const AnswerRow& row) { return finite(row.answer().reference_log_prob.value_or(NAN)); }),
      column<Reals>("sum_log_prob", rows, [](const AnswerRow& row) { return finite(row.answer().sum_log_prob); }),
      column<Reals>("score", rows, [](const AnswerRow& row) { return finite(row.answer().score); })};
  for (const Metric& metric : all_metrics()) {
    columns.push_back(column<Reals>(std::string("question_") + metric.name, rows,
                                    [&](const AnswerRow& row) { return row.question->metrics.*metric.of_question; }));
  }
  columns.push_back(notes_column(run, rows));
  return columns;
}

std::vector<Column> question_columns(const Run& run) {
  const auto& rows = run.questions;
  size_t n_answers = 0;
  for (const QuestionResult& question : rows) n_answers = std::max(n_answers, question.answers.size());
  std::vector<Column> columns = {
      column<Texts>("model", rows, [&](const QuestionResult&) { return run.model.name; }),
      column<Texts>("dataset", rows, [&](const QuestionResult&) { return run.dataset_name; }),
      column<Texts>("topic", rows, [](const QuestionResult& question) { return question.topic; }),
      column<Texts>("question", rows, [](const QuestionResult& question) { return question.id; }),
      column<Texts>("problem", rows, [](const QuestionResult& question) { return question.problem; })};
  for (const Metric& metric : all_metrics()) {
    columns.push_back(column<Reals>(
        metric.name, rows, [&](const QuestionResult& question) { return question.metrics.*metric.of_question; }));
  }
  for (const Metric& metric : all_metrics()) {
    if (!metric.chance_of_question) continue;
    columns.push_back(column<Reals>(std::string(metric.name) + "_chance", rows, [&](const QuestionResult& question) {
      return metric.chance_for(question.metrics);
    }));
  }
  for (size_t i = 0; i < n_answers; ++i) add_answer(columns, run, i);
  columns.push_back(notes_column(run, rows));
  return columns;
}

std::string escaped_csv(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + '"';
}

std::string csv(const std::vector<Column>& columns) {
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(escaped_csv(column.name));
  std::string text = join(names, ",") + "\n";
  const size_t n_rows = std::visit([](const auto& values) { return values.size(); }, columns.front().values);
  for (size_t row = 0; row < n_rows; ++row) {
    std::vector<std::string> cells;
    for (const Column& column : columns) cells.push_back(std::visit(Cell{row}, column.values));
    text += join(cells, ",") + "\n";
  }
  return text;
}

}  // namespace hre
