#pragma once
/// Choices by name, for values that are read from files.

namespace hre {

template <class T>
struct Named {
  const char* name;
  T value;
};

}  // namespace hre
