#include "store/names.h"

#include <algorithm>
#include <cctype>

namespace hre::store {
namespace {

bool is_name_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || (c & 0x80) != 0 ||
         std::string_view("._-+#@").find(c) != std::string_view::npos;
}

/// Names are typed in shells, so other characters become a hyphen.
std::string made_name(const Run& run) {
  std::string name = run.model.name + "-" + run.dataset_name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !is_name_char(c); }, '-');
  return name;
}

std::string what_is_wrong_with(const std::string& name) {
  if (name == "last" || name.starts_with("last~")) return "'" + name + "' means the latest run";
  if (name.ends_with(".json")) return "a name that ends in .json would be taken for a file";
  if (name.starts_with('-')) return "a name that begins with - would be taken for an option";
  if (!std::all_of(name.begin(), name.end(), is_name_char)) {
    return "a name may only have letters, digits and . _ - + # @";
  }
  return "";
}

std::string owner_of(Database& database, const std::string& name) {
  Statement find(database, "SELECT key FROM run WHERE name = ?");
  return find.with(name).step() ? find.text(0) : "";
}

}  // namespace

Status check_new_name(Database& database, const std::string& key, const std::string& name) {
  if (const std::string wrong = what_is_wrong_with(name); !wrong.empty()) return input_error(wrong, "‹name›");
  const std::string owner = owner_of(database, name);
  if (owner.empty() || owner == key) return database.status();
  return input_error("another run has the name '" + name + "'", "‹name›", "hre runs list shows it");
}

std::string free_name(Database& database, const std::string& key, const std::string& base) {
  Statement known(database, "SELECT name FROM run WHERE key = ?");
  if (known.with(key).step()) return known.text(0);
  std::string name = base;
  for (int n = 2; !owner_of(database, name).empty(); ++n) name = base + "-" + std::to_string(n);
  return name;
}

Result<std::string> choose_name(Database& database, const std::string& key, const Run& run, const std::string& wanted) {
  if (!wanted.empty()) {
    if (auto ok = check_new_name(database, key, wanted); !ok) return forward(ok);
    return wanted;
  }
  return free_name(database, key, made_name(run));
}

}  // namespace hre::store
