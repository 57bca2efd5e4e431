#include "model/server/api_key.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace hre::server {
namespace {

constexpr size_t kLongest = 4096;

bool is_key(const std::string& text) {
  return text.size() <= kLongest && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\r\n"), last = text.find_last_not_of(" \t\r\n");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

}  // namespace

Result<std::string> load_api_key(const std::string& file) {
  std::string text, where = "HRE_API_KEY";
  if (!file.empty()) {
    where = file;
    std::ifstream stream(file, std::ios::binary);
    text.resize(kLongest + 2);
    if (!stream) return input_error("cannot be read", file, "‹api_key_file› is a file whose first line is the key");
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(std::max<std::streamsize>(0, stream.gcount())));
    text = trimmed(text.substr(0, text.find('\n')));
    if (text.empty()) return input_error("the first line is empty", file, "put the key on the first line");
  } else if (const char* key = std::getenv("HRE_API_KEY")) {
    text = trimmed(key);
  }
  if (!is_key(text)) return input_error("is not a key: it has spaces, control characters or too many bytes", where);
  return text;
}

}  // namespace hre::server
