#include "net/versions.h"

#include <curl/curl.h>

namespace hre::net {

std::string library_versions() { return curl_version(); }  // "libcurl/7.88.1 OpenSSL/3.0.15 ..."

}  // namespace hre::net
