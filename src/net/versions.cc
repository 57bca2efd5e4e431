#include "net/versions.h"

#include <curl/curl.h>
#include <microhttpd.h>

namespace hre::net {

// "libcurl/7.88.1 OpenSSL/3.0.15 ... libmicrohttpd/0.9.75"
std::string library_versions() { return std::string(curl_version()) + " libmicrohttpd/" + MHD_get_version(); }

}  // namespace hre::net
