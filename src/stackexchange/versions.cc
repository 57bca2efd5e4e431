#include "stackexchange/versions.h"

#include <expat.h>

namespace hre::stackexchange {

std::string library_versions() { return XML_ExpatVersion(); }  // "expat_2.5.0"

}  // namespace hre::stackexchange
