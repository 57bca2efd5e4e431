#include "stackexchange/known_texts.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/files.h"
#include "core/hashing.h"
#include "core/text.h"
#include "hre/dataset.h"
#include "stackexchange/words.h"

namespace hre::stackexchange {
namespace {

constexpr size_t kRun = 13;  // as in Brown et al. 2020, appendix C

void add(std::string_view text, std::vector<uint64_t>& runs) {
  const std::vector<uint64_t> some = hashes_of_runs(words_of(text), kRun);
  runs.insert(runs.end(), some.begin(), some.end());
}

Result<std::string> add_plain_text(const std::string& path, std::vector<uint64_t>& runs) {
  Result<std::string> text = read_file(path);
  if (!text) return text;
  if (const auto bad = find_invalid_utf8(*text)) {
    return input_error("invalid UTF-8 at byte " + std::to_string(*bad), path);
  }
  add(*text, runs);
  ContentHash hash;
  hash.add_bytes(*text);
  return hash.value();
}

// The text of a line of a plain corpus: {"text": "..."}. Nothing for a line of anything else.
std::optional<std::string> text_of_line(const std::string& line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  const bool is_text =
      json.is_object() && json.contains("text") && json["text"].is_string() && !json.contains("answers");
  return is_text ? std::optional(json["text"].get<std::string>()) : std::nullopt;
}

bool is_empty(const std::string& line) { return line.find_first_not_of(" \t\r") == std::string::npos; }

// Whether a file is a plain corpus as JSON lines, by its first line.
bool is_corpus(const std::string& path) {
  if (!path.ends_with(".jsonl")) return false;
  std::ifstream file(path, std::ios::binary);
  std::string line;
  while (std::getline(file, line) && is_empty(line)) continue;
  return text_of_line(line).has_value();
}

Result<std::string> add_corpus(const std::string& path, std::vector<uint64_t>& runs, ProgressListener& progress,
                               const std::stop_token& stop) {
  std::ifstream file(path, std::ios::binary);
  ContentHash hash;
  progress.begin("reading " + path, 0, "texts", 1);
  int64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    if (stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted");
    hash.add_bytes(line + "\n");
    ++number;
    progress.advance(number, static_cast<double>(number));
    if (is_empty(line)) continue;
    const auto text = text_of_line(line);
    if (!text) {
      return input_error("is not a JSON object with a string text", path + ": line " + std::to_string(number),
                         "give a dataset, or a corpus of lines {\"text\": ...}");
    }
    add(*text, runs);
  }
  if (file.bad()) return fail(ErrorCode::kFailed, "can't be read", path);
  progress.end();
  return hash.value();
}

Result<std::string> add_dataset(const std::string& path, std::vector<uint64_t>& runs, ProgressListener& progress,
                                const std::stop_token& stop) {
  Result<std::unique_ptr<DatasetReader>> reader = open_dataset(path);
  if (!reader) return forward(reader);
  DatasetFingerprint fingerprint;
  progress.begin("reading " + dataset_name(path), 0, "questions", 1);
  for (int64_t done = 1;; ++done) {
    if (stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted");
    Result<std::optional<Question>> question = (*reader)->next();
    if (!question) return forward(question);
    if (!*question) break;
    fingerprint.add(**question);
    add((*question)->text, runs);
    for (const Answer& answer : (*question)->answers) add(answer.text, runs);
    progress.advance(done, (*reader)->progress());
  }
  progress.end();
  return fingerprint.value();
}

}  // namespace

Result<KnownTexts> KnownTexts::load(const std::string& path, const std::string& name, ProgressListener& progress,
                                    const std::stop_token& stop) {
  KnownTexts known;
  Result<std::string> fingerprint = path.ends_with(".txt") ? add_plain_text(path, known.runs_)
                                    : is_corpus(path)      ? add_corpus(path, known.runs_, progress, stop)
                                                           : add_dataset(path, known.runs_, progress, stop);
  if (!fingerprint) return forward(fingerprint);
  std::sort(known.runs_.begin(), known.runs_.end());
  known.runs_.erase(std::unique(known.runs_.begin(), known.runs_.end()), known.runs_.end());
  known.description_ = name + " (fingerprint " + *fingerprint + ")";
  return known;
}

bool KnownTexts::share_a_run(std::string_view text) const {
  return std::ranges::any_of(hashes_of_runs(words_of(text), kRun),
                             [&](uint64_t run) { return std::binary_search(runs_.begin(), runs_.end(), run); });
}

}  // namespace hre::stackexchange
