#include "store/rows.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "store/description.h"
#include "store/keys.h"

namespace hre::store {
namespace {

std::string_view bytes_of(const std::vector<float>& values) {
  static_assert(std::endian::native == std::endian::little, "the store's tokens are little-endian");
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::vector<float> floats_of(std::string_view bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

bool have_tokens(const std::vector<AnswerResult>& answers) {
  return std::any_of(answers.begin(), answers.end(),
                     [](const AnswerResult& answer) { return !answer.token_log_probs.empty(); });
}

int64_t checksum_without_tokens(std::vector<AnswerResult> answers) {
  for (AnswerResult& answer : answers) answer.token_log_probs.clear();
  return answers_checksum("", answers);
}

}  // namespace

int64_t put_setting(Database& database, const ModelDescription& model) {
  const Components components = setting_components(model);
  const std::string key = setting_key(components);
  Statement(database, "INSERT OR IGNORE INTO setting (key, components) VALUES (?, ?)")
      .with(std::string_view(key), components_json(components))
      .run();
  Statement find(database, "SELECT id FROM setting WHERE key = ?");
  return find.with(std::string_view(key)).step() ? find.integer(0) : 0;
}

ScoreReader::ScoreReader(Database& database)
    : find_(database, "SELECT id, checksum FROM score WHERE text_key = ? AND setting = ?"),
      answers_(database,
               "SELECT sum_log_prob, n_tokens, n_truncated, n_cut_chars, token_log_probs FROM answer_score "
               "WHERE score = ? ORDER BY position") {}

std::optional<StoredScore> ScoreReader::find(std::string_view text_key, int64_t setting) {
  if (!find_.with(text_key, setting).step()) return std::nullopt;
  return read(find_.integer(0), text_key, find_.integer(1));
}

StoredScore ScoreReader::read(int64_t row, std::string_view text_key, int64_t checksum) {
  StoredScore score;
  score.row = row;
  score.has_tokens = true;
  answers_.with(row);
  while (answers_.step()) {
    AnswerResult answer;
    answer.sum_log_prob = answers_.real(0);
    answer.n_tokens = static_cast<int>(answers_.integer(1));
    answer.n_truncated = static_cast<int>(answers_.integer(2));
    answer.n_cut_chars = static_cast<int>(answers_.integer(3));
    answer.token_log_probs = floats_of(answers_.blob(4));
    score.has_tokens &= !answers_.is_null(4);
    score.answers.push_back(std::move(answer));
  }
  score.damaged = answers_checksum(text_key, score.answers) != checksum;
  return score;
}

QuestionWriter::QuestionWriter(Database& database, int64_t run, int64_t setting, Stored stored, bool keeps_tokens)
    : database_(database),
      run_(run),
      setting_(setting),
      stored_(stored),
      keeps_tokens_(keeps_tokens),
      reader_(database),
      add_score_(database, "INSERT INTO score (text_key, setting, checksum) VALUES (?, ?, ?)"),
      add_answer_score_(database,
                        "INSERT INTO answer_score (score, position, sum_log_prob, n_tokens, n_truncated, n_cut_chars, "
                        "token_log_probs) VALUES (?, ?, ?, ?, ?, ?, ?)"),
      forget_answers_(database, "DELETE FROM answer_score WHERE score = ?"),
      set_checksum_(database, "UPDATE score SET checksum = ? WHERE id = ?"),
      find_question_(database, "SELECT id FROM question WHERE key = ?"),
      add_question_(database, "INSERT INTO question (key, topic, name) VALUES (?, ?, ?)"),
      add_answer_(database, "INSERT INTO answer (question, position, votes, n_chars) VALUES (?, ?, ?, ?)"),
      add_run_question_(database,
                        "INSERT OR REPLACE INTO run_question (run, position, question, score, problem) "
                        "VALUES (?, ?, ?, ?, ?)") {}

bool QuestionWriter::put(int64_t position, std::string_view text_key, const QuestionResult& question) {
  const int64_t question_row = put_question(question);
  if (question.answers.empty()) {
    add_run_question_.with(run_, position, question_row, nullptr, question.problem).run();
    return false;
  }
  const auto [score, replaced] = put_score(text_key, question);
  add_run_question_.with(run_, position, question_row, score, question.problem).run();
  return replaced;
}

/// The row of these answers, and whether others were there.
std::pair<int64_t, bool> QuestionWriter::put_score(std::string_view text_key, const QuestionResult& question) {
  const int64_t checksum = answers_checksum(text_key, question.answers);
  const bool with_tokens = keeps_tokens_ || have_tokens(question.answers);
  const auto known = text_key.empty() ? std::nullopt : reader_.find(text_key, setting_);
  if (!known) {
    if (text_key.empty()) {
      add_score_.with(nullptr, setting_, checksum).run();
    } else {
      add_score_.with(text_key, setting_, checksum).run();
    }
    const int64_t row = database_.last_row();
    put_answers(row, question.answers, with_tokens);
    return {row, false};
  }
  const bool equal = checksum_without_tokens(known->answers) == checksum_without_tokens(question.answers);
  const bool adds_tokens = equal && with_tokens && !known->has_tokens;
  if (known->damaged || adds_tokens || (!equal && stored_ == Stored::kAreReplaced)) {
    forget_answers_.with(known->row).run();
    set_checksum_.with(checksum, known->row).run();
    put_answers(known->row, question.answers, with_tokens);
  }
  return {known->row, !equal && !known->damaged && stored_ == Stored::kAreReplaced};
}

void QuestionWriter::put_answers(int64_t score, const std::vector<AnswerResult>& answers, bool with_tokens) {
  for (size_t i = 0; i < answers.size(); ++i) {
    const AnswerResult& answer = answers[i];
    if (!with_tokens) {
      add_answer_score_.with(score, i, answer.sum_log_prob, answer.n_tokens, answer.n_truncated, answer.n_cut_chars,
                             nullptr);
    } else {
      add_answer_score_.with(score, i, answer.sum_log_prob, answer.n_tokens, answer.n_truncated, answer.n_cut_chars,
                             bytes_of(answer.token_log_probs));
    }
    add_answer_score_.run();
  }
}

int64_t QuestionWriter::put_question(const QuestionResult& question) {
  const std::string key = question_key(question);
  if (find_question_.with(std::string_view(key)).step()) return find_question_.integer(0);
  add_question_.with(std::string_view(key), question.topic, question.id).run();
  const int64_t row = database_.last_row();
  for (size_t i = 0; i < question.answers.size(); ++i) {
    const AnswerResult& answer = question.answers[i];
    add_answer_.with(row, i, answer.votes, answer.n_chars + answer.n_cut_chars).run();
  }
  return row;
}

}  // namespace hre::store
