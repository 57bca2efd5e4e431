#pragma once
/// Rows of the store as values, one question at a time.

#include <optional>
#include <string>
#include <vector>

#include "hre/estimate.h"
#include "hre/run.h"
#include "store/sqlite.h"
#include "store/stored_score.h"

namespace hre::store {

/// Finds a setting's row, or adds it.
int64_t put_setting(Database& database, const ModelDescription& model);

/// Reads stored answers by their keys.
class ScoreReader {
 public:
  explicit ScoreReader(Database& database);
  std::optional<StoredScore> find(std::string_view text_key, int64_t setting);
  StoredScore read(int64_t row, std::string_view text_key, int64_t checksum);

 private:
  Statement find_, answers_;
};

/// Writes one run's questions, inside the caller's transaction.
class QuestionWriter {
 public:
  QuestionWriter(Database& database, int64_t run, int64_t setting, Stored stored, bool keeps_tokens = false);
  /// An empty key is for values that may never stand for new ones. Equal answers that are kept without their
  /// tokens, or without these tokens' texts, get them. True where other answers were there, and were replaced.
  bool put(int64_t position, std::string_view text_key, const QuestionResult& question);

 private:
  std::pair<int64_t, bool> put_score(std::string_view text_key, const QuestionResult& question);
  void put_answers(int64_t score, const std::vector<AnswerResult>& answers, bool with_tokens);
  int64_t put_text(const std::string& text);
  int64_t put_question(const QuestionResult& question);

  Database& database_;
  int64_t run_, setting_;
  Stored stored_;
  bool keeps_tokens_;
  ScoreReader reader_;
  Statement add_score_, add_answer_score_, forget_answers_, set_checksum_, find_text_, add_text_, mend_text_;
  Statement find_question_, add_question_, add_answer_, add_run_question_;
};

/// The origin of a run that an evaluation made; others have the file that they come from.
inline constexpr char kScored[] = "scored";

/// What a run has beside its contents.
struct RunLabel {
  std::string name, updated, origin;
};

/// Adds a run without its questions, or finds it: its row. A run that exists already gets anew everything that is not
/// part of its key: its name, where dataset and model lie, its origin. Its value is forgotten, because questions come.
Result<int64_t> put_run(Database& database, const std::string& key, const Run& run, int64_t setting,
                        const RunLabel& label);

/// What an evaluation adds to a run: its times, how it ended, and the value of its questions (those of `run`).
void put_end(Database& database, int64_t row, const Run& run);
/// The value alone, where a crash left none.
void keep_value(Database& database, int64_t row, const Estimate& value);
/// For a run whose questions changed otherwise: the value is found anew.
void forget_value(Database& database, int64_t row);

/// The micro average of Pearson's r.
Estimate published_value(const Run& run);

/// What a run is, without its questions.
struct RunRow {
  int64_t row = 0;
  std::string key;
  RunLabel label;
  Run run;
  std::optional<double> value, value_stderr, value_low, value_high;
};
Result<RunRow> read_run(Database& database, int64_t row);

/// Reads a run's questions one by one.
class QuestionReader {
 public:
  explicit QuestionReader(Database& database);
  /// The question at this place; nothing where there is none, or where what is stored doesn't match its checksums.
  std::optional<QuestionResult> read(const RunRow& run, int64_t position);

 private:
  std::optional<QuestionResult> read_question(int64_t row);
  Statement list_, question_, answers_;
  ScoreReader scores_;
};

/// The places of a run's questions that are there.
std::vector<int64_t> run_positions(Database& database, int64_t run);

/// A run's questions; fails where what is stored doesn't match its checksums.
Result<std::vector<QuestionResult>> read_questions(Database& database, const RunRow& row);

/// The key under which a run from elsewhere is in the store, or comes there: `key`, unless a run with other answers has
/// it; then that of its answers too.
std::string key_beside(Database& database, const std::string& key, const Run& run);

}  // namespace hre::store
