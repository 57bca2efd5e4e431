#pragma once
/// Copies the content of one store into another.

#include "hre/store.h"
#include "store/sqlite.h"

namespace hre::store {

/// Copies all runs and answers of `from` that `to` lacks; if both have an answer, `to` keeps its own. One transaction.
/// Fails if a copied answer doesn't match its checksum.
Result<Merged> merge_stores(Database& to, Database& from);

}  // namespace hre::store
