/// Lists the cache's content and removes parts of it.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "hre/hub.h"
#include "hub/cache.h"
#include "hub/name.h"
#include "hub/settings.h"

namespace hre {
namespace {

using namespace hub;

namespace fs = std::filesystem;

/// Parses "models--ORG--REPO" as (kind, "ORG/REPO"); nothing for other folders.
std::optional<std::pair<RepoKind, std::string>> repository_of(std::string folder) {
  for (const RepoKind kind : {RepoKind::kModel, RepoKind::kDataset}) {
    const std::string prefix = kind_word(kind) + "s--";
    if (!folder.starts_with(prefix)) continue;
    std::string name = folder.substr(prefix.size());
    if (const size_t gap = name.find("--"); gap != std::string::npos) name.replace(gap, 2, "/");
    return std::pair(kind, name);
  }
  return std::nullopt;
}

/// The files below a folder with their sizes; links are not followed.
std::map<std::string, int64_t> plain_files(const std::string& folder) {
  std::map<std::string, int64_t> files;
  std::error_code problem;
  for (fs::recursive_directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem)) {
    std::error_code ignored;
    if (at->is_symlink(ignored) || !at->is_regular_file(ignored)) continue;
    files[at->path().string()] = static_cast<int64_t>(at->file_size(ignored));
  }
  return files;
}

int64_t bytes_below(const std::string& folder) {
  int64_t bytes = 0;
  for (const auto& [path, size] : plain_files(folder)) bytes += size;
  return bytes;
}

/// The references (branches and tags) to each commit.
std::map<std::string, std::vector<std::string>> references_of(const std::string& folder) {
  std::map<std::string, std::vector<std::string>> references;
  const std::string refs = folder + "/refs";
  for (const auto& [path, size] : plain_files(refs)) {
    std::string commit;
    std::ifstream(path) >> commit;
    references[commit].push_back(fs::path(path).lexically_relative(refs).string());
  }
  return references;
}

CachedRepository describe(const RepoCache& cache, RepoKind kind, const std::string& name) {
  CachedRepository repository{
      .name = "hf:" + name, .is_dataset = kind == RepoKind::kDataset, .revisions = {}, .bytes = 0};
  const auto references = references_of(cache.folder());
  std::error_code problem;
  for (fs::directory_iterator at(cache.folder() + "/snapshots", problem), end; !problem && at != end;
       at.increment(problem)) {
    const std::string commit = at->path().filename().string();
    const auto found = references.find(commit);
    repository.revisions.push_back(
        {.commit = commit,
         .references = found == references.end() ? std::vector<std::string>() : found->second,
         .files = static_cast<int64_t>(cache.present(commit).size())});
  }
  std::sort(repository.revisions.begin(), repository.revisions.end(),
            [](const auto& a, const auto& b) { return a.commit < b.commit; });
  repository.bytes = bytes_below(cache.folder());
  return repository;
}

/// The blobs to which a snapshot's links lead.
std::set<std::string> blobs_of(const std::string& snapshot) {
  std::set<std::string> blobs;
  std::error_code problem;
  for (fs::recursive_directory_iterator at(snapshot, problem), end; !problem && at != end; at.increment(problem)) {
    std::error_code ignored;
    if (at->is_symlink(ignored)) blobs.insert(fs::read_symlink(at->path(), ignored).filename().string());
  }
  return blobs;
}

Status remove_tree(const std::string& path) {
  std::error_code problem;
  fs::remove_all(path, problem);
  if (problem) return fail(ErrorCode::kFailed, "cannot be removed: " + problem.message(), path);
  return {};
}

/// A snapshot, the references to it, and the blobs that no other snapshot uses.
Status remove_revision(const RepoCache& cache, const std::string& commit) {
  std::set<std::string> unused = blobs_of(cache.snapshot(commit));
  std::error_code problem;
  for (fs::directory_iterator at(cache.folder() + "/snapshots", problem), end; !problem && at != end;
       at.increment(problem)) {
    if (at->path().filename() == commit) continue;
    for (const std::string& used : blobs_of(at->path().string())) unused.erase(used);
  }
  const auto references = references_of(cache.folder());
  if (const auto found = references.find(commit); found != references.end()) {
    for (const std::string& name : found->second) fs::remove(cache.folder() + "/refs/" + name, problem);
  }
  if (Status removed = remove_tree(cache.snapshot(commit)); !removed) return removed;
  fs::remove(cache.folder() + "/.hre/" + commit + ".json", problem);
  for (const std::string& blob : unused) fs::remove(cache.blob(blob), problem);
  return {};
}

/// Removes the repository or revision of one kind that the name means. Returns the bytes freed, or nothing if the cache
/// does not have it.
Result<std::optional<int64_t>> remove_kind(const RepoCache& cache, const HubName& name, bool whole) {
  std::error_code ignored;
  if (!fs::is_directory(cache.folder(), ignored)) return std::optional<int64_t>();
  const int64_t before = bytes_below(cache.folder());
  if (whole) {
    if (Status removed = remove_tree(cache.folder()); !removed) return forward(removed);
    if (Status removed = remove_tree(cache.locks()); !removed) return forward(removed);
    return before;
  }
  const auto commit = cache.commit_of(name.revision);
  if (!commit) return std::optional<int64_t>();
  if (Status removed = remove_revision(cache, *commit); !removed) return forward(removed);
  return before - bytes_below(cache.folder());
}

}  // namespace

Result<std::vector<CachedRepository>> list_cache() {
  auto settings = read_settings();
  if (!settings) return forward(settings);
  std::vector<CachedRepository> repositories;
  std::error_code problem;
  for (fs::directory_iterator at(settings->cache, problem), end; !problem && at != end; at.increment(problem)) {
    const auto repository = repository_of(at->path().filename().string());
    if (!repository) continue;
    const auto& [kind, name] = *repository;
    repositories.push_back(describe(RepoCache(settings->cache, kind, name), kind, name));
  }
  std::sort(repositories.begin(), repositories.end(), [](const auto& a, const auto& b) {
    return std::pair(a.is_dataset, a.name) < std::pair(b.is_dataset, b.name);
  });
  return repositories;
}

Result<int64_t> remove_from_cache(const std::string& text) {
  auto name = parse_hub_name(text);
  if (!name) return forward(name);
  auto settings = read_settings();
  if (!settings) return forward(settings);
  if (!name->file.empty())
    return input_error("single files can't be removed", text, "give the repository or one of its revisions");
  const bool whole = text.find('@') == std::string::npos;
  int64_t freed = 0;
  bool found = false;
  for (const RepoKind kind : {RepoKind::kModel, RepoKind::kDataset}) {
    auto removed = remove_kind(RepoCache(settings->cache, kind, name->repository), *name, whole);
    if (!removed) return forward(removed);
    found = found || removed->has_value();
    freed += removed->value_or(0);
  }
  if (!found) return input_error("not in the cache", text, "hre model list shows what the cache has");
  return freed;
}

}  // namespace hre
