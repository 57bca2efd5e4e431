#include "store/keys.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/hashing.h"
#include "core/text.h"

namespace hre::store {
namespace {

/// Increased when hre's own rules change the sum of log-probabilities.
constexpr char kScoringVersion[] = "1";

std::string bytes_of(const ContentHash& hash) { return bytes_of_hex(hash.value()); }

void add_number(ContentHash& hash, uint64_t value) {
  char bytes[8];  // little-endian on every machine
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  hash.add_bytes({bytes, sizeof bytes});
}

void add_number(ContentHash& hash, int64_t value) { add_number(hash, static_cast<uint64_t>(value)); }
void add_number(ContentHash& hash, int value) { add_number(hash, static_cast<int64_t>(value)); }

/// The store keeps neither the sign of zero nor the payload of a NaN, so the hash must not see them.
void add_number(ContentHash& hash, double value) {
  add_number(hash, std::isnan(value) ? ~uint64_t{0} : std::bit_cast<uint64_t>(value + 0.0));
}

void add_tokens(ContentHash& hash, const std::vector<Token>& tokens) {
  add_number(hash, static_cast<int64_t>(tokens.size()));
  for (const Token token : tokens) add_number(hash, static_cast<int64_t>(token));
}

void add_plan(ContentHash& hash, const QuestionPlan& plan) {
  add_tokens(hash, plan.prefix);
  for (const AnswerPlan& answer : plan.answers) {
    add_tokens(hash, answer.tail);
    add_tokens(hash, answer.targets);
  }
}

}  // namespace

Components setting_components(const ModelDescription& model) {
  Components components = {{"scoring", kScoringVersion},
                           {"weights", model.fingerprint.empty() ? "of " + model.source : model.fingerprint}};
  components.insert(components.end(), model.settings.begin(), model.settings.end());
  std::sort(components.begin(), components.end());
  return components;
}

std::string setting_key(const Components& components) {
  ContentHash hash;
  for (const auto& [name, value] : components) {
    hash.add_field(name);
    hash.add_field(value);
  }
  return bytes_of(hash);
}

std::string text_key(const ScoringRequest& request, const QuestionPlan* plan) {
  ContentHash hash;
  hash.add_field(request.context);
  for (const std::string& continuation : request.continuations) hash.add_field(continuation);
  if (plan != nullptr) add_plan(hash, *plan);
  return bytes_of(hash);
}

std::string question_key(const QuestionResult& question) {
  ContentHash hash;
  hash.add_field(question.topic);
  hash.add_field(question.id);
  for (const AnswerResult& answer : question.answers) {
    add_number(hash, answer.votes);
    add_number(hash, answer.n_chars + answer.n_cut_chars);
  }
  return bytes_of(hash);
}

std::string run_key(const Run& run) {
  ContentHash hash;
  hash.add_field(setting_key(setting_components(run.model)));
  hash.add_field(run.dataset_fingerprint);
  const EvalOptions& options = run.options;
  hash.add_field(options.prompt);
  for (const std::string& topic : options.topics) hash.add_field(topic);
  add_number(hash, options.limit.value_or(-1));
  add_number(hash, options.shuffle ? options.shuffle_seed : ~uint64_t{0});
  add_number(hash, options.shuffle ? 1 : 0);
  if (options.shard) {
    add_number(hash, options.shard->index);
    add_number(hash, options.shard->count);
  }
  // The following parts are added only if they are set, so that runs without them keep their keys.
  if (!options.where.empty()) {
    hash.add_field("where");
    for (const std::string& condition : options.where) hash.add_field(condition);
  }
  if (run.early_stop) {
    hash.add_field("until");
    hash.add_field(run.early_stop->rule);
    hash.add_field(run.early_stop->metric);
    add_number(hash, run.early_stop->seed);
  }
  return hash.value();
}

std::string imported_key(const Run& run) {
  const std::string key = run_key(run);
  const bool is_whole = run.planned == static_cast<int64_t>(run.questions.size()) && !run.shard;
  return is_whole ? key : contents_key(key, run);
}

std::string contents_key(const std::string& key, const Run& run) {
  ContentHash hash;
  hash.add_field(key);
  hash.add_field("imported");
  for (const QuestionResult& question : run.questions) {
    hash.add_field(question_key(question));
    for (const AnswerResult& answer : question.answers) add_number(hash, answer.sum_log_prob);
  }
  return hash.value();
}

std::string content_key(std::string_view text) {
  ContentHash hash;
  hash.add_bytes(text);
  return bytes_of(hash);
}

int64_t answers_checksum(std::string_view text_key, const std::vector<AnswerResult>& answers) {
  ContentHash hash;
  hash.add_field(text_key);
  for (const AnswerResult& answer : answers) {
    add_number(hash, answer.sum_log_prob);
    add_number(hash, answer.n_tokens);
    add_number(hash, answer.n_truncated);
    add_number(hash, answer.n_cut_chars);
    if (answer.n_bytes > 0) add_number(hash, answer.n_bytes);  // not kept before
    add_number(hash, static_cast<int64_t>(answer.token_log_probs.size()));
    for (const float value : answer.token_log_probs)
      add_number(hash, static_cast<int64_t>(std::bit_cast<int32_t>(value)));
    if (answer.token_texts.ends.empty()) continue;  // as before texts were kept
    hash.add_field(answer.token_texts.text);
    for (const uint32_t end : answer.token_texts.ends) add_number(hash, static_cast<int64_t>(end));
  }
  int64_t value = 0;
  const std::string bytes = bytes_of(hash);
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

}  // namespace hre::store
