#pragma once
/// Reads the tables of a TOML file key by key. The first problem is kept with its line; keys that nobody asked for are
/// problems, too. Only files that include this header see toml++.

// toml++ asserts conditions that a malformed document ("[;") violates, and then reports the error properly; without
// assertions it assumes the conditions. So assertions must neither fire nor be assumed, in any kind of build.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ASSERT(expression) static_cast<void>(0)
#pragma push_macro("NDEBUG")
#undef NDEBUG
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/named.h"
#include "hre/result.h"

namespace hre {

/// Parses TOML. Errors name line and column.
Result<toml::table> parse_toml(std::string_view text, const std::string& place);

/// A string as TOML writes it, between quotes.
std::string toml_string(const std::string& text);

/// Reads one table. A key's value replaces `value`, which keeps its old value if the key is missing or wrong.
class TomlReader {
 public:
  /// Messages name the file by `place` and the table by `title` (" in question"); `problem` keeps the first one.
  TomlReader(const toml::table& table, std::string place, std::string title, std::optional<Error>& problem)
      : table_(table), place_(std::move(place)), title_(std::move(title)), problem_(problem) {}

  void integer(const char* key, int64_t& value, int64_t low, int64_t high = std::numeric_limits<int64_t>::max());
  /// A number, whole or fractional.
  void number(const char* key, double& value, double low, double high);
  void text(const char* key, std::string& value);
  void texts(const char* key, std::vector<std::string>& values);

  /// One of the words of a table.
  template <class T, size_t n>
  void one_of(const char* key, T& value, const Named<T> (&words)[n]) {
    std::vector<std::string> names;
    for (const auto& word : words) names.emplace_back(word.name);
    if (const std::optional<size_t> at = word_of(key, names)) value = words[*at].value;
  }

  const toml::table* table(const char* key);
  const toml::array* tables(const char* key);

  /// The node of a key, for types that the functions above don't read; nothing if the key is missing.
  const toml::node* take(const char* key);
  /// Records a problem with the value of a key: "questions in topic" and `what`.
  void wrong(const toml::node& node, const char* key, const std::string& what);

  /// Call this after the last key: keys that were not read are unknown.
  void finish();
  /// Call this after finish, so that a misspelt key is reported as unknown rather than as missing: a text that must not
  /// be empty.
  void need(const char* key, const std::string& value);

  /// Records a problem with the whole table, or with something in it.
  void keep(Error error);
  /// "recipe.toml: line 12"
  [[nodiscard]] std::string place_of(const toml::node& node) const;

 private:
  std::optional<size_t> word_of(const char* key, const std::vector<std::string>& names);

  const toml::table& table_;
  std::string place_, title_;
  std::optional<Error>& problem_;
  std::set<std::string> taken_;
};

}  // namespace hre
