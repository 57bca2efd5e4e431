#pragma once
/// Tables as parquet.

#include <string>
#include <vector>

#include "core/columns.h"
#include "hre/result.h"

namespace hre::data {

/// Writes one parquet file (Snappy, page checksums): texts as string, integers as int64, reals as nullable double.
Status write_columns(const std::string& path, const std::vector<Column>& columns);

}  // namespace hre::data
