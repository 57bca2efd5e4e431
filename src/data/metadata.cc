#include "data/metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/dates.h"
#include "core/files.h"
#include "core/question_name.h"
#include "core/text.h"

namespace hre::data {
namespace {

using nlohmann::json;

// What is wrong with a line, and in which field.
struct Bad {
  std::string message;
};

const json* field(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string required_text(const json& object, const char* name) {
  const json* value = field(object, name);
  if (!value || !value->is_string()) throw Bad{fmt::format("field {} is not a string", name)};
  return value->get<std::string>();
}

std::optional<double> created(const json& object) {
  const json* value = field(object, "created");
  if (!value) return std::nullopt;
  const auto date = value->is_string() ? parse_period(value->get_ref<const std::string&>()) : std::nullopt;
  if (!date) throw Bad{"field created is not a date"};
  return date->begin_days();
}

std::optional<std::string> optional_text(const json& object, const char* name) {
  return field(object, name) ? std::optional(required_text(object, name)) : std::nullopt;
}

// Ids count within a site; a deleted account has a name alone.
std::optional<std::string> author(const json& object, const std::string& site) {
  if (const auto id = optional_text(object, "author_id")) return site + "/" + *id;
  if (const auto name = optional_text(object, "author")) return site + "/" + *name;
  return std::nullopt;
}

std::optional<std::pair<int64_t, int64_t>> counts_of(const json& answer) {
  const json *up = field(answer, "up"), *down = field(answer, "down");
  if (!up || !down || !up->is_number_unsigned() || !down->is_number_unsigned()) return std::nullopt;
  constexpr uint64_t kMost = 1'000'000'000'000;
  if (up->get<uint64_t>() > kMost || down->get<uint64_t>() > kMost) return std::nullopt;
  return std::pair(up->get<int64_t>(), down->get<int64_t>());
}

QuestionMetadata metadata_of(const json& line) {
  QuestionMetadata question;
  question.created = created(line);
  question.site = optional_text(line, "site");
  question.asker = author(line, question.site.value_or(""));
  if (const json* tags = field(line, "tags")) {
    if (!tags->is_array()) throw Bad{"field tags is not a list"};
    for (const json& tag : *tags) {
      if (!tag.is_string()) throw Bad{"a tag is not a string"};
      question.tags.push_back(tag.get<std::string>());
    }
  }
  if (const json* answers = field(line, "answers")) {
    if (!answers->is_array()) throw Bad{"field answers is not a list"};
    for (const json& answer : *answers) {
      if (!answer.is_object()) throw Bad{"an answer is not an object"};
      question.answers_created.push_back(created(answer));
      const auto name = author(answer, question.site.value_or(""));
      if (name && std::ranges::find(question.authors, *name) == question.authors.end()) {
        question.authors.push_back(*name);
      }
      question.answers_counts.push_back(counts_of(answer));
      const json* votes = field(answer, "votes");
      question.answers_votes.push_back(votes && votes->is_number() ? std::optional(votes->get<double>())
                                                                   : std::nullopt);
    }
  }
  return question;
}

void read_line(std::string_view text, Metadata& metadata) {
  const json line = json::parse(text, nullptr, false);
  if (line.is_discarded() || !line.is_object()) throw Bad{"is not a JSON object"};
  std::pair key{required_text(line, "topic"), required_text(line, "id")};
  const std::string name = question_name(key.first, key.second);
  if (!metadata.try_emplace(std::move(key), metadata_of(line)).second) throw Bad{"question " + name + " appears twice"};
}

}  // namespace

Result<Metadata> read_metadata(std::string_view text, const std::string& where) {
  Metadata metadata;
  for (size_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view content = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (content.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    try {
      if (find_invalid_utf8(content)) throw Bad{"is not UTF-8"};
      read_line(content, metadata);
    } catch (const Bad& bad) {
      return input_error(bad.message, fmt::format("{}, line {}", where, line));
    }
  }
  return metadata;
}

std::optional<std::string> find_metadata(const std::string& source) {
  const std::filesystem::path folder(source);
  std::error_code problem;
  // Of a folder it is in it, or beside its folder data; of a file it is in the file's folder.
  const bool is_folder = std::filesystem::is_directory(folder, problem);
  std::vector<std::filesystem::path> places;
  if (is_folder) places.push_back(folder);
  const std::filesystem::path named = folder.has_filename() ? folder : folder.parent_path();
  if (std::filesystem::is_regular_file(folder, problem) || (is_folder && named.filename() == "data")) {
    places.push_back(named.parent_path());
  }
  for (const auto& place : places) {
    const auto file = place / "metadata" / "questions.jsonl";
    if (std::filesystem::is_regular_file(file, problem)) return file.string();
  }
  return std::nullopt;
}

Status check_metadata(const QuestionMetadata& metadata, const std::string& question, std::span<const double> votes) {
  const std::vector<std::optional<double>>& said = metadata.answers_votes;
  bool same = said.empty() || said.size() == votes.size();
  for (size_t i = 0; same && i < said.size(); ++i) same = !said[i] || *said[i] == votes[i];
  if (same) return {};
  return input_error(
      "metadata and dataset differ in the votes of question " + question + ": the metadata is of another dataset", "",
      "give the dataset's own with ‹metadata›");
}

void add_dates(const std::string& source, std::vector<Question>& questions) {
  const auto path = find_metadata(source);
  const Result<Metadata> metadata = path ? load_metadata(*path) : Metadata();
  if (!metadata || metadata->empty()) return;
  for (Question& question : questions) {
    const auto found = metadata->find({question.topic, question.id});
    if (found == metadata->end() || found->second.answers_created.size() != question.answers.size()) continue;
    std::vector<double> votes;
    for (const Answer& answer : question.answers) votes.push_back(answer.votes);
    if (!check_metadata(found->second, question.id, votes)) continue;
    for (size_t i = 0; i < votes.size(); ++i) question.answers[i].posted = found->second.answers_created[i];
  }
}

Result<Metadata> load_metadata(const std::string& path) {
  auto text = read_file(path);
  if (!text) return forward(text);
  return read_metadata(*text, path);
}

}  // namespace hre::data
