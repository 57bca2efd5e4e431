#include "hub/settings.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <initializer_list>

#include "core/cache.h"
#include "core/text.h"
#include "net/url.h"

namespace hre::hub {
namespace {

std::string first_of(const Environment& environment, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (std::string value = environment(name); !value.empty()) return value;
  }
  return {};
}

bool is_true(std::string value) {
  std::transform(value.begin(), value.end(), value.begin(), [](unsigned char c) { return std::toupper(c); });
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

std::string expand_home(const std::string& path, const std::string& home) {
  return path == "~" || path.starts_with("~/") ? home + path.substr(1) : path;
}

std::string trimmed(const std::string& text) {
  constexpr const char* kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

std::string read_token_file(const std::string& path) {
  constexpr size_t kLongest = 4096;
  std::ifstream file(path, std::ios::binary);
  std::string text(kLongest, '\0');
  file.read(text.data(), kLongest);
  text.resize(static_cast<size_t>(file.gcount()));
  return trimmed(text);
}

Result<std::string> read_token(const Environment& environment, const std::string& home, const std::string& hf_home) {
  if (is_true(environment("HF_HUB_DISABLE_IMPLICIT_TOKEN"))) return std::string();
  std::string where = "HF_TOKEN";
  std::string token = trimmed(first_of(environment, {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}));
  if (token.empty()) {
    const std::string given = environment("HF_TOKEN_PATH");
    where = given.empty() ? hf_home + "/token" : expand_home(given, home);
    token = read_token_file(where);
  }
  const auto printable = [](unsigned char c) { return c > 0x20 && c < 0x7f; };
  if (!std::all_of(token.begin(), token.end(), printable)) {
    return input_error("the token has invalid characters", where, "copy it again from the hub's settings");
  }
  return token;
}

}  // namespace

std::string process_environment(const std::string& name) {
  if (name == "HOME") return home_folder();
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

Result<HubSettings> read_settings(const Environment& environment) {
  HubSettings settings;
  const std::string home = environment("HOME");
  const std::string cache_home = first_of(environment, {"XDG_CACHE_HOME"});
  const std::string hf_home_given = environment("HF_HOME");
  const std::string hf_home =
      !hf_home_given.empty() ? expand_home(hf_home_given, home)
                             : (cache_home.empty() ? home + "/.cache" : expand_home(cache_home, home)) + "/huggingface";
  const std::string cache = first_of(environment, {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"});
  settings.cache = cache.empty() ? hf_home + "/hub" : expand_home(cache, home);
  if (std::string endpoint = environment("HF_ENDPOINT"); !endpoint.empty()) settings.endpoint = std::move(endpoint);
  while (settings.endpoint.ends_with('/')) settings.endpoint.pop_back();
  if (!net::origin_of(settings.endpoint)) {
    return input_error("this is not an http or https address", "HF_ENDPOINT=" + net::shown_url(settings.endpoint),
                       "set it to the hub's address, or unset it");
  }
  settings.offline = is_true(environment("HF_HUB_OFFLINE")) || is_true(environment("TRANSFORMERS_OFFLINE"));
  if (const auto seconds = parse_finite_number(environment("HF_HUB_DOWNLOAD_TIMEOUT")); seconds && *seconds > 0) {
    constexpr double kLongest = 1e6;
    settings.timeout = std::chrono::milliseconds(static_cast<int64_t>(1000 * std::min(*seconds, kLongest)));
  }
  auto token = read_token(environment, home, hf_home);
  if (!token) return forward(token);
  settings.token = *std::move(token);
  return settings;
}

}  // namespace hre::hub
