/// Runs as rows: their descriptions, and their questions read back.

#include <fmt/format.h>

#include "analysis/question_metrics.h"
#include "analysis/scores.h"
#include "hre/summary.h"
#include "store/description.h"
#include "store/keys.h"
#include "store/rows.h"

namespace hre::store {
namespace {

constexpr char kColumns[] =
    "id, key, name, created, updated, origin, model, dataset_name, dataset_source, dataset_fingerprint, "
    "dataset_questions, options, planned, plan_seconds, score_seconds, positions, positions_unshared, value, "
    "value_stderr, early_stop, value_low, value_high";

RunRow row_of(const Statement& at) {
  RunRow row;
  row.row = at.integer(0);
  row.key = at.text(1);
  row.label.name = at.text(2);
  row.run.created = at.text(3);
  row.label.updated = at.text(4);
  row.label.origin = at.text(5);
  row.run.dataset_name = at.text(7);
  row.run.dataset_source = at.text(8);
  row.run.dataset_fingerprint = at.text(9);
  row.run.dataset_questions = at.integer(10);
  row.run.planned = at.integer(12);
  row.run.times = {at.real(13), at.real(14), at.integer(15), at.integer(16)};
  row.value = at.maybe_real(17);
  row.value_stderr = at.maybe_real(18);
  row.value_low = at.maybe_real(20);
  row.value_high = at.maybe_real(21);
  return row;
}

/// Puts stored values beside the dataset's; false where they are not of one question.
bool join_answers(QuestionResult& question, const std::vector<AnswerResult>& scored) {
  if (question.answers.size() != scored.size()) return false;
  for (size_t i = 0; i < scored.size(); ++i) {
    AnswerResult answer = scored[i];
    answer.votes = question.answers[i].votes;
    answer.n_chars = question.answers[i].n_chars - answer.n_cut_chars;
    question.answers[i] = std::move(answer);
  }
  return true;
}

}  // namespace

Result<int64_t> put_run(Database& database, const std::string& key, const Run& run, int64_t setting,
                        const RunLabel& label) {
  Statement(
      database,
      "INSERT INTO run (key, name, created, updated, origin, setting, model, model_name, dataset_name, "
      "dataset_source, dataset_fingerprint, dataset_questions, options, planned, plan_seconds, score_seconds, "
      "early_stop, positions, positions_unshared, last_use) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, "
      "0, ?, 0, 0, "
      "(SELECT coalesce(max(last_use), 0) + 1 FROM run))"
      " ON CONFLICT (key) DO UPDATE SET updated = max(updated, excluded.updated), name = excluded.name, "
      "options = excluded.options, last_use = excluded.last_use, origin = excluded.origin, model = excluded.model, "
      "model_name = excluded.model_name, dataset_name = excluded.dataset_name, "
      "dataset_source = excluded.dataset_source, dataset_questions = excluded.dataset_questions, "
      "planned = excluded.planned, value = NULL, value_stderr = NULL")
      .with(key, label.name, run.created, label.updated, label.origin, setting, model_json(run.model), run.model.name,
            run.dataset_name, run.dataset_source, run.dataset_fingerprint, run.dataset_questions,
            options_json(run.options), run.planned, early_stop_json(run.early_stop))
      .run();
  Statement find(database, "SELECT id FROM run WHERE key = ?");
  const int64_t row = find.with(key).step() ? find.integer(0) : 0;
  if (auto ok = database.status(); !ok) return forward(ok);
  return row;
}

void put_end(Database& database, int64_t row, const Run& run) {
  Statement(database,
            "UPDATE run SET plan_seconds = plan_seconds + ?, score_seconds = score_seconds + ?, "
            "positions = positions + ?, positions_unshared = positions_unshared + ?, early_stop = ? WHERE id = ?")
      .with(run.times.plan_seconds, run.times.score_seconds, run.times.positions, run.times.positions_unshared,
            early_stop_json(run.early_stop), row)
      .run();
  keep_value(database, row, published_value(run));
}

void keep_value(Database& database, int64_t row, const Estimate& value) {
  Statement(database, "UPDATE run SET value = ?, value_stderr = ?, value_low = ?, value_high = ? WHERE id = ?")
      .with(value.mean, value.stderr_, value.ci_low, value.ci_high, row)
      .run();
}

void forget_value(Database& database, int64_t row) { keep_value(database, row, {}); }

Estimate published_value(const Run& run) {
  if (run.score != ScoreKind::kPerChar || run.reference) return published_value(published_view(run));
  return summarize(run.questions, {.undefined = run.options.undefined, .draws = 0}).micro.pearson;
}

Result<RunRow> read_run(Database& database, int64_t row) {
  Statement at(database, fmt::format("SELECT {} FROM run WHERE id = ?", kColumns));
  if (!at.with(row).step()) {
    if (auto ok = database.status(); !ok) return forward(ok);
    return input_error("the run no longer exists", database.path());
  }
  RunRow result = row_of(at);
  auto model = read_model(at.text(6));
  if (!model) return forward(model);
  auto options = read_options(at.text(11));
  if (!options) return forward(options);
  auto early_stop = read_early_stop(at.text(19));
  if (!early_stop) return forward(early_stop);
  result.run.model = std::move(*model);
  result.run.early_stop = std::move(*early_stop);
  result.run.options = std::move(*options);
  return result;
}

QuestionReader::QuestionReader(Database& database)
    : list_(database,
            "SELECT r.question, r.score, r.problem, s.checksum, s.text_key FROM run_question r LEFT JOIN score s "
            "ON s.id = r.score WHERE r.run = ? AND r.position = ?"),
      question_(database, "SELECT key, topic, name FROM question WHERE id = ?"),
      answers_(database, "SELECT votes, n_chars FROM answer WHERE question = ? ORDER BY position"),
      scores_(database) {}

/// The dataset's side: topic, id, and the answers' votes and whole lengths. Nothing where it doesn't match its key.
std::optional<QuestionResult> QuestionReader::read_question(int64_t row) {
  if (!question_.with(row).step()) return std::nullopt;
  QuestionResult question;
  const std::string key(question_.blob(0));
  question.topic = question_.text(1);
  question.id = question_.text(2);
  answers_.with(row);
  while (answers_.step()) {
    AnswerResult& answer = question.answers.emplace_back();
    answer.votes = answers_.real(0);
    answer.n_chars = answers_.integer(1);
  }
  if (question_key(question) != key) return std::nullopt;
  return question;
}

std::optional<QuestionResult> QuestionReader::read(const RunRow& run, int64_t position) {
  if (!list_.with(run.row, position).step()) return std::nullopt;
  auto question = read_question(list_.integer(0));
  if (!question) return std::nullopt;
  question->problem = list_.text(2);
  if (list_.is_null(1)) return question;
  const StoredScore score = scores_.read(list_.integer(1), list_.blob(4), list_.integer(3));
  if (score.damaged || !join_answers(*question, score.answers)) return std::nullopt;
  complete_question(*question, run.run.model.normalise_by_characters);
  return question;
}

std::vector<int64_t> run_positions(Database& database, int64_t run) {
  Statement rows(database, "SELECT position FROM run_question WHERE run = ? ORDER BY position");
  std::vector<int64_t> all;
  rows.with(run);
  while (rows.step()) all.push_back(rows.integer(0));
  return all;
}

Result<std::vector<QuestionResult>> read_questions(Database& database, const RunRow& row) {
  const bool in_transaction = sqlite3_get_autocommit(database.handle()) == 0;
  if (!in_transaction) database.run("BEGIN");  // one view for all
  QuestionReader reader(database);
  std::vector<QuestionResult> results;
  for (const int64_t position : run_positions(database, row.row)) {
    auto question = reader.read(row, position);
    if (!question) {
      auto ok = database.status();
      if (!in_transaction) database.run("ROLLBACK");
      if (!ok) return forward(ok);
      return fail(ErrorCode::kFailed,
                  fmt::format("question {} of run {} is not as it was stored: the store is damaged", position + 1,
                              row.label.name),
                  database.path(), "hre runs repair saves the rest");
    }
    if (!row.run.options.keep_tokens) {
      for (AnswerResult& answer : question->answers) forget_tokens(answer);
    }
    results.push_back(std::move(*question));
  }
  if (!in_transaction) database.run("COMMIT");
  if (auto ok = database.status(); !ok) return forward(ok);
  return results;
}

std::string key_beside(Database& database, const std::string& key, const Run& run) {
  Statement known(database, "SELECT id FROM run WHERE key = ?");
  if (!known.with(key).step()) return key;
  auto stored = read_run(database, known.integer(0));
  if (stored) {
    if (auto questions = read_questions(database, *stored)) {
      stored->run.questions = std::move(*questions);
      if (contents_key(key, stored->run) == contents_key(key, run)) return key;
    }
  }
  (void)database.status();  // a run that can't be read is not the same one
  return contents_key(key, run);
}

}  // namespace hre::store
