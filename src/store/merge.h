#pragma once
/// One store's content into another.

#include "hre/store.h"
#include "store/sqlite.h"

namespace hre::store {

/// Copies all runs and answers of `from` that `to` has not; where both have an answer, `to` keeps its own. One
/// transaction. Fails where what is copied doesn't match its checksums.
Result<Merged> merge_stores(Database& to, Database& from);

}  // namespace hre::store
