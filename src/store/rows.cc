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

bool have_texts(const std::vector<AnswerResult>& answers) {
  return std::any_of(answers.begin(), answers.end(),
                     [](const AnswerResult& answer) { return !answer.token_texts.ends.empty(); });
}

bool have_bytes(const std::vector<AnswerResult>& answers) {
  return std::ranges::all_of(answers, [](const AnswerResult& answer) { return answer.n_bytes > 0; });
}

/// Of what every version of the store keeps.
int64_t checksum_of_sums(std::vector<AnswerResult> answers) {
  for (AnswerResult& answer : answers) {
    forget_tokens(answer);
    answer.n_bytes = 0;
  }
  return answers_checksum("", answers);
}

/// Encodes the length in bytes of each token's text, in LEB128: seven bits per byte, lowest first.
std::string token_lengths(const TokenTexts& texts) {
  std::string bytes;
  for (size_t i = 0; i < texts.ends.size(); ++i) {
    size_t length = texts.part(i).size();
    for (; length >= 0x80; length >>= 7) bytes += static_cast<char>(length | 0x80);
    bytes += static_cast<char>(length);
  }
  return bytes;
}

/// Nothing if the lengths don't fit the text.
std::optional<TokenTexts> parted(std::string text, std::string_view lengths) {
  TokenTexts texts{std::move(text), {}};
  uint64_t end = 0, length = 0;
  int shift = 0;
  for (const char byte : lengths) {
    if (shift > 28) return std::nullopt;
    length |= static_cast<uint64_t>(byte & 0x7F) << shift;
    shift += 7;
    if ((byte & 0x80) != 0) continue;
    end += length;
    if (end > texts.text.size()) return std::nullopt;
    texts.ends.push_back(static_cast<uint32_t>(end));
    length = 0;
    shift = 0;
  }
  if (shift != 0 || end != texts.text.size()) return std::nullopt;
  return texts;
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
               "SELECT a.sum_log_prob, a.n_tokens, a.n_truncated, a.n_cut_chars, a.token_log_probs, t.text, "
               "a.token_lengths, a.n_bytes FROM answer_score a LEFT JOIN token_text t ON t.id = a.token_text "
               "WHERE a.score = ? ORDER BY a.position") {}

std::optional<StoredScore> ScoreReader::find(std::string_view text_key, int64_t setting) {
  if (!find_.with(text_key, setting).step()) return std::nullopt;
  return read(find_.integer(0), text_key, find_.integer(1));
}

StoredScore ScoreReader::read(int64_t row, std::string_view text_key, int64_t checksum) {
  StoredScore score;
  score.row = row;
  score.has_tokens = score.has_texts = true;
  answers_.with(row);
  while (answers_.step()) {
    AnswerResult answer;
    answer.sum_log_prob = answers_.real(0);
    answer.n_tokens = static_cast<int>(answers_.integer(1));
    answer.n_truncated = static_cast<int>(answers_.integer(2));
    answer.n_cut_chars = static_cast<int>(answers_.integer(3));
    answer.n_bytes = answers_.integer(7);
    answer.token_log_probs = floats_of(answers_.blob(4));
    score.has_tokens &= !answers_.is_null(4);
    if (!answers_.is_null(6)) {
      auto texts = parted(answers_.text(5), answers_.blob(6));
      score.damaged |= !texts;
      answer.token_texts = std::move(texts).value_or(TokenTexts());
    }
    score.has_texts &= score.has_tokens && answer.token_texts.ends.size() == answer.token_log_probs.size();
    score.answers.push_back(std::move(answer));
  }
  score.has_bytes = have_bytes(score.answers);
  score.damaged |= answers_checksum(text_key, score.answers) != checksum;
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
                        "token_log_probs, token_text, token_lengths, n_bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      forget_answers_(database, "DELETE FROM answer_score WHERE score = ?"),
      set_checksum_(database, "UPDATE score SET checksum = ? WHERE id = ?"),
      find_text_(database, "SELECT id, text FROM token_text WHERE key = ?"),
      add_text_(database, "INSERT INTO token_text (key, text) VALUES (?, ?)"),
      mend_text_(database, "UPDATE token_text SET text = ? WHERE id = ?"),
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

/// The row of these answers, and whether other answers were stored before.
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
  const bool equal = checksum_of_sums(known->answers) == checksum_of_sums(question.answers);
  const bool adds_tokens =
      equal && ((with_tokens && !known->has_tokens) || (have_texts(question.answers) && !known->has_texts));
  if (known->damaged || adds_tokens || (!equal && stored_ == Stored::kAreReplaced)) {
    forget_answers_.with(known->row).run();
    set_checksum_.with(checksum, known->row).run();
    put_answers(known->row, question.answers, with_tokens);
  } else if (equal && !known->has_bytes && have_bytes(question.answers)) {
    std::vector<AnswerResult> answers = known->answers;
    for (size_t i = 0; i < answers.size(); ++i) answers[i].n_bytes = question.answers[i].n_bytes;
    forget_answers_.with(known->row).run();
    set_checksum_.with(answers_checksum(text_key, answers), known->row).run();
    put_answers(known->row, answers, known->has_tokens);
  }
  return {known->row, !equal && !known->damaged && stored_ == Stored::kAreReplaced};
}

void QuestionWriter::put_answers(int64_t score, const std::vector<AnswerResult>& answers, bool with_tokens) {
  for (size_t i = 0; i < answers.size(); ++i) {
    const AnswerResult& answer = answers[i];
    std::optional<std::string_view> log_probs;
    std::optional<int64_t> text;
    std::optional<std::string> lengths;
    if (with_tokens) log_probs = bytes_of(answer.token_log_probs);
    if (!answer.token_texts.ends.empty()) {
      text = put_text(answer.token_texts.text);
      lengths = token_lengths(answer.token_texts);
    }
    add_answer_score_
        .with(score, i, answer.sum_log_prob, answer.n_tokens, answer.n_truncated, answer.n_cut_chars, log_probs, text,
              lengths ? std::optional<std::string_view>(*lengths) : std::nullopt,
              answer.n_bytes > 0 ? std::optional(answer.n_bytes) : std::nullopt)
        .run();
  }
}

/// The row of the text that tokens spell. If the disk has damaged the row, it is repaired.
int64_t QuestionWriter::put_text(const std::string& text) {
  const std::string key = content_key(text);
  if (find_text_.with(std::string_view(key)).step()) {
    const int64_t row = find_text_.integer(0);
    if (find_text_.text(1) != text) mend_text_.with(text, row).run();
    return row;
  }
  add_text_.with(std::string_view(key), text).run();
  return database_.last_row();
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
