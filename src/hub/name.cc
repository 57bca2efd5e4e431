#include "hub/name.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace hre::hub {
namespace {

constexpr std::string_view kScheme = "hf:";
constexpr const char* kForm = "the form is hf:ORG/REPO, hf:ORG/REPO@REVISION, or either with /FILE";

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// Whether the hub allows this name for an owner or a repository.
bool is_repo_part(const std::string& text) {
  constexpr size_t kLongest = 96;
  const auto allowed = [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.');
  };
  if (text.empty() || text.size() > kLongest || !std::all_of(text.begin(), text.end(), allowed)) return false;
  if (text.find("--") != std::string::npos || text.find("..") != std::string::npos) return false;
  constexpr std::string_view kNotAtEnds = "-.";
  return kNotAtEnds.find(text.front()) == std::string_view::npos &&
         kNotAtEnds.find(text.back()) == std::string_view::npos;
}

/// Only pull requests and conversions are revisions of several parts: refs/pr/3.
size_t revision_parts(const std::vector<std::string>& parts) {
  const bool reference = parts.size() >= 3 && parts[0] == "refs" && (parts[1] == "pr" || parts[1] == "convert");
  return reference ? 3 : 1;
}

std::string joined(const std::vector<std::string>& parts, size_t from, size_t to) {
  std::string text;
  for (size_t i = from; i < to; ++i) text += (i == from ? "" : "/") + parts[i];
  return text;
}

/// Splits the text after "@" into revision and file.
void take_revision(const std::string& text, HubName& name) {
  const std::vector<std::string> parts = split(text, '/');
  const size_t n = revision_parts(parts);
  name.revision = joined(parts, 0, n);
  name.file = joined(parts, n, parts.size());
}

}  // namespace

std::string kind_word(RepoKind kind) { return kind == RepoKind::kModel ? "model" : "dataset"; }

bool is_hub_name(const std::string& text) { return text.starts_with(kScheme); }

Result<HubName> parse_hub_name(const std::string& text) {
  if (!is_hub_name(text)) return input_error("this is not a name on the hub", text, kForm);
  const std::string rest = text.substr(kScheme.size());
  const size_t at = rest.find('@');
  const std::vector<std::string> parts = split(rest.substr(0, at), '/');
  HubName name;
  const size_t n = std::min<size_t>(parts.size(), 2);
  name.repository = joined(parts, 0, n);
  if (!std::all_of(parts.begin(), parts.begin() + static_cast<ptrdiff_t>(n), is_repo_part)) {
    return input_error("'" + name.repository + "' is not a valid repository name", text, kForm);
  }
  name.file = joined(parts, n, parts.size());
  if (at != std::string::npos) {
    if (parts.size() > 2) return input_error("the revision must come before the file", text, kForm);
    take_revision(rest.substr(at + 1), name);
  }
  if (!is_inner_path(name.revision)) return input_error("'" + name.revision + "' is not a valid revision", text, kForm);
  if (text.back() == '/') return input_error("nothing follows the last slash", text, kForm);
  if (!name.file.empty() && !is_inner_path(name.file)) {
    return input_error("'" + name.file + "' is not a valid path in a repository", text, kForm);
  }
  return name;
}

std::string pinned_name(const std::string& repository, const std::string& commit, const std::string& file) {
  return std::string(kScheme) + repository + "@" + commit + (file.empty() ? "" : "/" + file);
}

std::string short_name(const std::string& repository) { return repository.substr(repository.find('/') + 1); }

bool is_commit(const std::string& revision) {
  constexpr size_t kDigits = 40;
  constexpr std::string_view kHex = "0123456789abcdef";
  return revision.size() == kDigits && revision.find_first_not_of(kHex) == std::string::npos;
}

bool is_inner_path(const std::string& path) {
  constexpr size_t kLongest = 2048, kLongestPart = 255;
  if (path.empty() || path.size() > kLongest) return false;
  const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '\\'; };
  if (std::any_of(path.begin(), path.end(), control)) return false;
  const std::vector<std::string> parts = split(path, '/');
  return std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
    return !part.empty() && part != "." && part != ".." && part.size() <= kLongestPart;
  });
}

}  // namespace hre::hub
