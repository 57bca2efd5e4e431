#include "core/toml.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "core/text.h"

namespace hre {
namespace {

std::string range(int64_t low, int64_t high) {
  return high == std::numeric_limits<int64_t>::max() ? fmt::format("is less than {}", low)
                                                     : fmt::format("is not between {} and {}", low, high);
}

// The end of the string that begins with a quote at text[at]: the position after its last quote.
size_t end_of_string(std::string_view text, size_t at) {
  const char quote = text[at];
  const std::string three(3, quote);
  const bool long_one = text.substr(at).starts_with(three);
  const std::string_view close = long_one ? std::string_view(three) : text.substr(at, 1);
  for (at += close.size(); at < text.size(); ++at) {
    if (text.substr(at).starts_with(close)) {
      at += close.size();
      for (int more = 0; long_one && more < 2 && at < text.size() && text[at] == quote; ++more) ++at;  // """a"""""
      return at;
    }
    if (!long_one && text[at] == '\n') return at;
    if (quote == '"' && text[at] == '\\') ++at;
  }
  return text.size();
}

// Whether TOML allows the byte outside of strings and comments.
bool is_plain(char c) { return (c >= 0x20 && c < 0x7F) || c == '\t' || c == '\n' || c == '\r'; }

// The line of the first control or non-ASCII character outside of strings and comments; 0 if there is none. TOML allows
// no such character.
int odd_line(std::string_view text) {
  int line = 1;
  size_t at = 0;
  while (at < text.size()) {
    size_t end = at + 1;
    if (!is_plain(text[at])) return line;
    if (text[at] == '#') end = std::min(text.find('\n', at), text.size());
    if (text[at] == '"' || text[at] == '\'') end = std::min(end_of_string(text, at), text.size());
    line += static_cast<int>(std::count(text.begin() + static_cast<std::ptrdiff_t>(at),
                                        text.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    at = end;
  }
  return 0;
}

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

// The text with the bytes of all other characters than ASCII in hexadecimal, so that different keys stay different.
std::string in_ascii(std::string_view text) {
  std::string ascii;
  for (const char c : text) ascii += is_ascii(c) ? std::string(1, c) : fmt::format("{:02x}", c & 0xFF);
  return ascii;
}

// The column, in characters, of a line's byte `column` in in_ascii(); both from 1.
size_t column_of(std::string_view line, size_t column) {
  size_t characters = 1, bytes = 1;
  for (size_t i = 0; i < line.size() && bytes < column; ++i) {
    bytes += is_ascii(line[i]) ? 1 : 2;
    if (!continues_character(line[i])) ++characters;
  }
  return characters;
}

std::string_view line_of(std::string_view text, size_t number) {
  for (; number > 1 && text.find('\n') != std::string_view::npos; --number) text.remove_prefix(text.find('\n') + 1);
  return text.substr(0, text.find('\n'));
}

}  // namespace

Result<toml::table> parse_toml(std::string_view text, const std::string& place) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const int line = odd_line(text); line > 0) {
    return input_error("a character outside of strings and comments is not printable ASCII",
                       fmt::format("{}: line {}", place, line), "remove it, or put it in quotes");
  }
  // toml++ 3.3 has undefined behaviour where it meets some characters outside of strings and comments, and in a
  // malformed document it may see the end of a string elsewhere than odd_line(). So errors are found in plain ASCII
  // first.
  toml::parse_result parsed = toml::parse(in_ascii(text), place);
  const bool ascii_is_good = static_cast<bool>(parsed);
  if (ascii_is_good) parsed = toml::parse(text, place);
  if (parsed) return std::move(parsed).table();
  const toml::parse_error& problem = parsed.error();
  const toml::source_position at = problem.source().begin;
  const size_t column = ascii_is_good ? at.column : column_of(line_of(text, at.line), at.column);
  return input_error(std::string(problem.description()), fmt::format("{}: line {}, column {}", place, at.line, column));
}

std::string toml_string(const std::string& text) {
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

const toml::node* TomlReader::take(const char* key) {
  taken_.insert(key);
  return table_.get(key);
}

std::string TomlReader::place_of(const toml::node& node) const {
  return fmt::format("{}: line {}", place_, node.source().begin.line);
}

void TomlReader::keep(Error error) {
  if (!problem_) problem_ = std::move(error);
}

void TomlReader::wrong(const toml::node& node, const char* key, const std::string& what) {
  keep({ErrorCode::kInput, fmt::format("{}{} {}", key, title_, what), place_of(node), ""});
}

void TomlReader::integer(const char* key, int64_t& value, int64_t low, int64_t high) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto given = node->value_exact<int64_t>();
  if (!given) return wrong(*node, key, "is not a whole number");
  if (*given < low || *given > high) return wrong(*node, key, range(low, high));
  value = *given;
}

void TomlReader::number(const char* key, double& value, double low, double high) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto given = node->is_number() ? node->value<double>() : std::nullopt;
  if (!given || !(*given >= low && *given <= high)) {
    return wrong(*node, key, fmt::format("is not a number between {} and {}", format_number(low), format_number(high)));
  }
  value = *given;
}

void TomlReader::text(const char* key, std::string& value) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  if (!node->is_string()) return wrong(*node, key, "is not a string");
  value = *node->value_exact<std::string>();
}

void TomlReader::texts(const char* key, std::vector<std::string>& values) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  if (!node->is_array()) return wrong(*node, key, "is not a list of strings");
  values.clear();
  for (const toml::node& element : *node->as_array()) {
    const auto given = element.value_exact<std::string>();
    if (!given || given->empty()) return wrong(element, key, "is not a list of strings");
    values.push_back(*given);
  }
}

std::optional<size_t> TomlReader::word_of(const char* key, const std::vector<std::string>& names) {
  const toml::node* node = take(key);
  if (node == nullptr) return std::nullopt;
  const auto given = node->value_exact<std::string>();
  const auto at = given ? std::find(names.begin(), names.end(), *given) : names.end();
  if (at != names.end()) return static_cast<size_t>(at - names.begin());
  wrong(*node, key, "is not one of: " + join(names));
  return std::nullopt;
}

const toml::table* TomlReader::table(const char* key) {
  const toml::node* node = take(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) wrong(*node, key, "is not a table");
  return node->as_table();
}

const toml::array* TomlReader::tables(const char* key) {
  const toml::node* node = take(key);
  if (node == nullptr) return nullptr;
  if (node->is_array_of_tables()) return node->as_array();
  wrong(*node, key, fmt::format("is not a list of tables ([[{}]])", key));
  return nullptr;
}

void TomlReader::finish() {
  const std::vector<std::string> known(taken_.begin(), taken_.end());
  for (const auto& [key, node] : table_) {
    const std::string name(key.str());
    if (taken_.contains(name)) continue;
    const auto nearest = nearest_name(name, known);
    keep({ErrorCode::kInput, fmt::format("unknown key '{}'{}", name, title_), place_of(node),
          nearest ? "did you mean " + *nearest + "?" : "known keys are " + join(known)});
  }
}

void TomlReader::need(const char* key, const std::string& value) {
  if (value.empty()) keep({ErrorCode::kInput, fmt::format("{}{} is missing", key, title_), place_of(table_), ""});
}

}  // namespace hre
