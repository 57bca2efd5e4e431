#pragma once
/// Tables of a TOML file read key by key: the first thing that is wrong is kept with its line, and keys
/// that nobody asked for are wrong too. Only this header's includers know toml++.

// toml++ asserts things that a wrong document ("[;") makes untrue, and then says properly what is wrong with it;
// without assertions it takes them for granted. So neither: no assertion, in any kind of build.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ASSERT(expression) static_cast<void>(0)
#pragma push_macro("NDEBUG")
#undef NDEBUG
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hre/result.h"
#include "stackexchange/recipe_names.h"

namespace hre::stackexchange {

/// Parses TOML. Errors name line and column.
Result<toml::table> parse_toml(std::string_view text, const std::string& place);

/// A string as TOML writes it, between quotes.
std::string toml_string(const std::string& text);

/// Reads one table. What a key says replaces `value`, which stays as it was where the key is missing or wrong.
class TomlReader {
 public:
  /// `place` names the file and `title` the table (" in question") in messages; `problem` keeps the first one.
  TomlReader(const toml::table& table, std::string place, std::string title, std::optional<Error>& problem)
      : table_(table), place_(std::move(place)), title_(std::move(title)), problem_(problem) {}

  void integer(const char* key, int64_t& value, int64_t low, int64_t high = kNoLimit);
  /// A number, whole or not.
  void number(const char* key, double& value, double low, double high);
  void text(const char* key, std::string& value);
  void texts(const char* key, std::vector<std::string>& values);
  /// Midnight UTC of a day, in milliseconds since 1970.
  void date(const char* key, int64_t& ms);
  void days(const char* key, int64_t& ms);
  /// A list of marks, of those allowed.
  void drops(const char* key, unsigned& value, unsigned allowed);

  /// One of the words of a table.
  template <class T, size_t n>
  void one_of(const char* key, T& value, const Named<T> (&words)[n]) {
    std::vector<std::string> names;
    for (const auto& word : words) names.emplace_back(word.name);
    if (const std::optional<size_t> at = word_of(key, names)) value = words[*at].value;
  }

  const toml::table* table(const char* key);
  const toml::array* tables(const char* key);

  /// To be called last: what was not asked for is unknown.
  void finish();

  /// Keeps a problem with the whole table, or with something in it.
  void keep(Error error);
  /// "recipe.toml: line 12"
  [[nodiscard]] std::string place_of(const toml::node& node) const;

 private:
  const toml::node* take(const char* key);
  std::optional<size_t> word_of(const char* key, const std::vector<std::string>& names);
  void wrong(const toml::node& node, const char* key, const std::string& what);

  const toml::table& table_;
  std::string place_, title_;
  std::optional<Error>& problem_;
  std::set<std::string> taken_;
};

}  // namespace hre::stackexchange
