#pragma once
/// Tables as columns, on their way to a file.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace hre {

/// All columns of a table have the same length. An absent number is an empty cell.
struct Column {
  using Texts = std::vector<std::string>;
  using Integers = std::vector<int64_t>;
  using Reals = std::vector<std::optional<double>>;
  std::string name;
  std::variant<Texts, Integers, Reals> values;
};

}  // namespace hre
