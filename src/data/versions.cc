#include "data/versions.h"

#include <archive.h>
#include <arrow/config.h>

namespace hre::data {

std::string library_versions() {
  return "Arrow " + arrow::GetBuildInfo().version_string + ", " + archive_version_details();
}

}  // namespace hre::data
