#pragma once
/// Comma-separated tables, with a header line and quoted cells (RFC 4180), as text.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hre/result.h"

namespace hre::data {

struct CsvTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  ///< one cell per column

  [[nodiscard]] std::optional<size_t> column(std::string_view name) const;
};

/// Parses a table. Input errors name the row; `where` names the text.
Result<CsvTable> read_csv(std::string_view text, const std::string& where);

}  // namespace hre::data
