#pragma once
/// Options that are a choice among names.

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "core/named.h"
#include "core/text.h"

namespace hre::cli {

/// An option whose value is one of a table's names. `value` is a T or an optional T.
template <class Value, class T, size_t n>
void add_choice(CLI::App& app, const std::string& name, Value& value, const Named<T> (&table)[n],
                const std::string& help) {
  std::map<std::string, T> choices;
  std::vector<T> values;
  std::vector<std::string> names;
  for (const Named<T>& row : table) {
    names.emplace_back(row.name);
    choices.emplace(row.name, row.value);
    values.push_back(row.value);
  }
  app.add_option(name, value, help)
      ->type_name(join(names, "|"))
      ->transform(CLI::Transformer(choices).description(""))
      ->check(CLI::IsMember(values).description(""));
}

}  // namespace hre::cli
