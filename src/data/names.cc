/// Names of topics, splits and questions.
#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

#include "hre/dataset.h"

namespace hre {
namespace {

constexpr std::string_view kPrefix = "HumanRankEval";

// Published splits whose capitals do not show where words begin.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kIrregular = {
    {{"CSDB", "cs_db"}, {"CPP", "cpp"}, {"HTML", "html"}, {"LaTeX", "latex"}}};

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Other characters would cause trouble in file names, ids and globs.
bool fits_a_name(char c) {
  return is_lower(c) || is_digit(c) || c == '+' || c == '#' || c == '.' || static_cast<unsigned char>(c) >= 0x80;
}

bool word_begins(std::string_view name, size_t at) {
  if (at == 0 || !is_upper(name[at])) return false;
  const char before = name[at - 1];
  const bool before_a_word = at + 1 < name.size() && is_lower(name[at + 1]);
  return is_lower(before) || is_digit(before) || (is_upper(before) && before_a_word);
}

std::string camel_case(std::string_view topic) {
  std::string name;
  bool first = true;
  for (const char c : topic) {
    if (c != '_') name += first && is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
    first = c == '_';
  }
  return name;
}

}  // namespace

std::string topic_of_split(const std::string& split) {
  std::string_view name = split;
  if (name.starts_with(kPrefix) && name.size() > kPrefix.size()) name.remove_prefix(kPrefix.size());
  for (const auto& [irregular, topic] : kIrregular) {
    if (name == irregular) return std::string(topic);
  }
  std::string topic;
  for (size_t i = 0; i < name.size(); ++i) {
    if (word_begins(name, i)) topic += '_';
    const char c = is_upper(name[i]) ? static_cast<char>(name[i] - 'A' + 'a') : name[i];
    topic += fits_a_name(c) && (c != '.' || i > 0) ? c : '_';
  }
  return topic;
}

std::string split_of_topic(const std::string& topic) {
  for (const auto& [irregular, name] : kIrregular) {
    if (topic == name) return std::string(kPrefix) + std::string(irregular);
  }
  const std::string split = std::string(kPrefix) + camel_case(topic);
  // If the split's name would not be read back as this topic, the topic's name is used unchanged: "a_b" is not "AB".
  return topic_of_split(split) == topic ? split : topic;
}

std::string positional_id(const std::string& topic, int64_t position) {
  return fmt::format("{}/{:06}", topic, position);
}

}  // namespace hre
