#pragma once
/// The tables of a store and their versions; docs/formats.md describes them.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/sqlite.h"

namespace hre::store {

/// The statements that lead from version i to version i + 1; version 0 is an empty file.
const std::vector<std::string>& migrations();

/// Opens a store. A new store is created; an older store is upgraded by `steps` in one transaction, after a copy was
/// put beside it as PATH.v<VERSION>. A store of a newer version is an error. A file that can't be written is opened for
/// reading: see Database::is_read_only.
Result<std::unique_ptr<Database>> open_store(const std::string& path, Open how,
                                             const std::vector<std::string>& steps = migrations());

/// Opens a store for reading, even if it could be written; an older store is upgraded by `steps` in memory. Nothing
/// changes on the disk.
Result<std::unique_ptr<Database>> open_store_to_read(const std::string& path,
                                                     const std::vector<std::string>& steps = migrations());

}  // namespace hre::store
