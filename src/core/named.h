#pragma once
/// Choices by name, for values that are read from files and options.

#include <cstddef>

namespace hre {

template <class T>
struct Named {
  const char* name;
  T value;
};

/// The name of a value that is in the table.
template <class T, size_t n>
const char* name_of(const Named<T> (&table)[n], T value) {
  for (const Named<T>& row : table) {
    if (row.value == value) return row.name;
  }
  return "";
}

}  // namespace hre
