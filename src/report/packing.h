#pragma once
/// Data as a page carries it: deflated (RFC 1950), in base64, unpacked by the browser's DecompressionStream.

#include <string>
#include <string_view>

namespace hre {

/// base64(deflate(data)): letters, digits, + / and = alone, so nothing in it ends or begins markup.
std::string pack(std::string_view data);

/// RFC 4648, section 4, with padding.
std::string base64(std::string_view bytes);

}  // namespace hre
