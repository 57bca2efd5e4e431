#include "net/url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "core/text.h"

namespace hre::net {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

Url parse(const std::string& text) {
  Url url(curl_url());
  if (url && curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) url.reset();
  return url;
}

std::optional<std::string> part(const Url& url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), which, &text, flags) != CURLUE_OK || text == nullptr) return std::nullopt;
  std::string copy = text;
  curl_free(text);
  return copy;
}

/// The same of what is no URL, where a secret may have been meant as a part of one.
std::string without_secrets(const std::string& text) {
  std::string shown = text.substr(0, text.find_first_of("?#"));
  const size_t scheme = shown.find("://"), authority = scheme == std::string::npos ? 0 : scheme + 3;
  if (const size_t at = shown.rfind('@'); at != std::string::npos && at >= authority)
    shown.erase(authority, at + 1 - authority);
  return shown;
}

}  // namespace

std::optional<std::string> origin_of(const std::string& text) {
  const Url url = parse(text);
  if (!url) return std::nullopt;
  const auto scheme = part(url, CURLUPART_SCHEME), host = part(url, CURLUPART_HOST);
  const auto port = part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (!scheme || !host || !port || (lower(*scheme) != "http" && lower(*scheme) != "https")) return std::nullopt;
  return lower(*scheme) + "://" + lower(*host) + ":" + *port;
}

std::optional<std::string> resolve_url(const std::string& base, const std::string& reference) {
  const Url url = parse(base);
  if (!url || curl_url_set(url.get(), CURLUPART_URL, reference.c_str(), 0) != CURLUE_OK) return std::nullopt;
  return part(url, CURLUPART_URL);
}

std::string shown_url(const std::string& text) {
  const Url url = parse(text);
  if (!url) return without_secrets(text);
  for (const CURLUPart secret : {CURLUPART_QUERY, CURLUPART_FRAGMENT, CURLUPART_USER, CURLUPART_PASSWORD}) {
    curl_url_set(url.get(), secret, nullptr, 0);
  }
  return part(url, CURLUPART_URL).value_or(without_secrets(text));
}

void take_out(std::string& text, const std::string& secret) {
  constexpr std::string_view kHidden = "***";
  if (secret.empty()) return;
  for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + kHidden.size())) {
    text.replace(at, secret.size(), kHidden);
  }
}

std::string percent_encode(std::string_view text, std::string_view keep) {
  constexpr std::string_view kPlain = "-._~";
  std::string encoded;
  for (const unsigned char c : text) {
    const auto character = static_cast<char>(c);
    const bool plain = c < 0x80 && (std::isalnum(c) != 0 || kPlain.find(character) != std::string_view::npos ||
                                    keep.find(character) != std::string_view::npos);
    encoded += plain ? std::string(1, character) : fmt::format("%{:02X}", c);
  }
  return encoded;
}

bool is_credential(std::string_view header_name) {
  constexpr std::array<std::string_view, 3> kNames = {"authorization", "cookie", "proxy-authorization"};
  return std::find(kNames.begin(), kNames.end(), lower(std::string(header_name))) != kNames.end();
}

}  // namespace hre::net
