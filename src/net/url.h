#pragma once
/// Addresses: their parts, and the parts that may be shown.

#include <optional>
#include <string>
#include <string_view>

namespace hre::net {

/// Scheme, host and port: "https://example.org:443". Nothing if it is not an http or https URL.
std::optional<std::string> origin_of(const std::string& url);

/// A reference (such as a Location header) resolved against a URL; nothing if it can't be resolved.
std::optional<std::string> resolve_url(const std::string& base, const std::string& reference);

/// A URL without query, fragment and credentials, for messages.
std::string shown_url(const std::string& url);

/// Puts *** for each occurrence of a key or token in what a server said.
void take_out(std::string& text, const std::string& secret);

/// Percent-encodes all characters except letters, digits, "-._~" and those in `keep`.
std::string percent_encode(std::string_view text, std::string_view keep = "");

/// Whether a header of this name may carry secrets.
bool is_credential(std::string_view header_name);

}  // namespace hre::net
