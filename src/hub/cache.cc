#include "hub/cache.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

#include "core/files.h"
#include "core/text.h"

namespace hre::hub {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kListingFormat = "hre-listing/1";

/// The size of a file, if the value is a valid one.
std::optional<int64_t> size_in(const json& value) {
  constexpr uint64_t kLargest = uint64_t{1} << 50;
  if (!value.is_number_unsigned() || value.get<uint64_t>() > kLargest) return std::nullopt;
  return value.get<int64_t>();
}

std::string folder_name(RepoKind kind, const std::string& repository) {
  std::string name = kind == RepoKind::kModel ? "models--" : "datasets--";
  for (const char c : repository) name += c == '/' ? std::string("--") : std::string(1, c);
  return name;
}

std::string why() { return std::strerror(errno); }

tl::unexpected<Error> cannot_write(const std::string& path, const std::string& reason) {
  return fail(ErrorCode::kFailed, "cannot be written: " + reason, path,
              "set HF_HOME to use another folder for the cache");
}

/// The content of a file, if it exists and is no longer than this.
std::optional<std::string> read_small_file(const std::string& path, size_t longest) {
  auto text = read_file(path, static_cast<int64_t>(longest));
  if (!text) return std::nullopt;
  return *std::move(text);
}

Status write_with_folder(const std::string& path, const std::string& content) {
  if (Status made = make_folder_of(path); !made) return made;
  return write_file(path, content);
}

}  // namespace

Status make_folder_of(const std::string& path) {
  std::error_code problem;
  fs::create_directories(fs::path(path).parent_path(), problem);
  if (problem) return cannot_write(fs::path(path).parent_path().string(), problem.message());
  return {};
}

RepoCache::RepoCache(const std::string& cache, RepoKind kind, const std::string& repository)
    : folder_(cache + "/" + folder_name(kind, repository)),
      locks_(cache + "/.locks/" + folder_name(kind, repository)) {}

std::string RepoCache::file(const std::string& commit, const std::string& path) const {
  return snapshot(commit) + "/" + path;
}

std::optional<std::string> RepoCache::commit_of(const std::string& revision) const {
  constexpr size_t kLongest = 100;
  std::string commit =
      is_commit(revision) ? revision : read_small_file(folder_ + "/refs/" + revision, kLongest).value_or("");
  while (!commit.empty() && (commit.back() == '\n' || commit.back() == ' ')) commit.pop_back();
  std::error_code ignored;
  if (!is_commit(commit) || !fs::is_directory(snapshot(commit), ignored)) return std::nullopt;
  return commit;
}

Status RepoCache::set_commit(const std::string& revision, const std::string& commit) const {
  if (is_commit(revision)) return {};
  return write_with_folder(folder_ + "/refs/" + revision, commit);
}

std::string listing_text(const Listing& listing) {
  json files = json::array();
  for (const RepoFile& file : listing.files)
    files.push_back({{"path", file.path}, {"size", file.size}, {"etag", file.etag}});
  return json{{"format", kListingFormat}, {"commit", listing.commit}, {"files", files}}.dump(0) + "\n";
}

std::optional<Listing> parse_listing(const std::string& text) {
  const json stored = json::parse(text, nullptr, false);
  if (!stored.is_object() || stored.value("format", json()) != kListingFormat) return std::nullopt;
  const json commit = stored.value("commit", json()), files = stored.value("files", json());
  if (!commit.is_string() || !is_commit(commit) || !files.is_array()) return std::nullopt;
  Listing listing{.commit = commit, .files = {}};
  for (const json& file : files) {
    if (!file.is_object()) return std::nullopt;
    const json path = file.value("path", json()), etag = file.value("etag", json());
    const auto size = size_in(file.value("size", json()));
    if (!path.is_string() || !is_inner_path(path) || !size || !etag.is_string()) return std::nullopt;
    listing.files.push_back({path, *size, etag});
  }
  return listing;
}

std::optional<Listing> parse_python_tree(const std::string& text, const std::string& commit) {
  const json stored = json::parse(text, nullptr, false);
  if (!stored.is_object() || stored.value("format_version", json()) != 1) return std::nullopt;
  const json files = stored.value("files", json());
  if (!files.is_object()) return std::nullopt;
  Listing listing{.commit = commit, .files = {}};
  for (const auto& [path, file] : files.items()) {
    if (!file.is_object() || !is_inner_path(path)) return std::nullopt;
    const bool large = file.contains("lfs_sha256");
    const auto size = size_in(file.value(large ? "lfs_size" : "size", json()));
    const json etag = file.value(large ? "lfs_sha256" : "blob_id", json());
    if (!size || !etag.is_string()) return std::nullopt;
    listing.files.push_back({path, *size, etag});
  }
  return listing;
}

std::optional<Listing> RepoCache::listing(const std::string& commit) const {
  constexpr size_t kLongest = size_t{64} << 20;
  if (const auto text = read_small_file(folder_ + "/.hre/" + commit + ".json", kLongest)) return parse_listing(*text);
  const auto text = read_small_file(folder_ + "/trees/" + commit + ".json", kLongest);
  return text ? parse_python_tree(*text, commit) : std::nullopt;
}

Status RepoCache::set_listing(const Listing& listing) const {
  return write_with_folder(folder_ + "/.hre/" + listing.commit + ".json", listing_text(listing));
}

std::vector<RepoFile> files_below(const std::string& folder, int deepest) {
  std::vector<RepoFile> files;
  std::error_code problem;
  constexpr auto kOptions = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator at(folder, kOptions, problem), end; !problem && at != end;
       at.increment(problem)) {
    std::error_code ignored;
    const bool hidden = at->path().filename().string().starts_with('.');
    if (hidden || at.depth() >= deepest) at.disable_recursion_pending();
    if (hidden) continue;
    if (!at->is_regular_file(ignored)) continue;
    files.push_back({at->path().lexically_relative(folder).string(), static_cast<int64_t>(at->file_size(ignored)), ""});
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

std::vector<RepoFile> RepoCache::present(const std::string& commit) const {
  return files_below(snapshot(commit), std::numeric_limits<int>::max());
}

bool RepoCache::has(const std::string& commit, const RepoFile& wanted) const {
  std::error_code problem;
  const auto size = fs::file_size(file(commit, wanted.path), problem);  // fails on a dangling link
  return !problem && static_cast<int64_t>(size) == wanted.size;
}

Status RepoCache::link(const std::string& commit, const std::string& path, const std::string& etag) const {
  const std::string name = file(commit, path);
  if (Status made = make_folder_of(name); !made) return made;
  std::string target = "../../";
  for (const char c : path) target += c == '/' ? "../" : "";
  target += "blobs/" + etag;
  std::error_code problem;
  if (fs::read_symlink(name, problem) == fs::path(target)) return {};
  // A name of random letters: hosts may share the cache, and have equal process ids.
  std::random_device random;
  const std::string temporary = fmt::format("{}.{:08x}{:08x}.hre", name, random(), random());
  if (symlink(target.c_str(), temporary.c_str()) != 0) {
    fs::copy_file(blob(etag), temporary, fs::copy_options::overwrite_existing, problem);
    if (problem) return cannot_write(name, problem.message());
    if (auto ok = sync_file(temporary); !ok) return ok;
  }
  if (std::rename(temporary.c_str(), name.c_str()) == 0) return {};
  auto failed = cannot_write(name, why());
  fs::remove(temporary, problem);
  return failed;
}

}  // namespace hre::hub
