#include "store/versions.h"

#include <sqlite3.h>

namespace hre::store {

std::string library_versions() { return std::string("SQLite ") + sqlite3_libversion(); }

}  // namespace hre::store
