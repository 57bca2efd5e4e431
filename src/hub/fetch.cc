/// From a name to files on the disk: from the cache alone if it can serve, otherwise with the hub's help.

#include <filesystem>
#include <optional>
#include <utility>

#include "hre/hub.h"
#include "hub/api.h"
#include "hub/cache.h"
#include "hub/choose.h"
#include "hub/download.h"
#include "hub/name.h"
#include "hub/settings.h"

namespace hre {
namespace {

using namespace hub;

namespace fs = std::filesystem;

/// A few quick attempts for a hub that can't be reached, more patience for one that answers.
constexpr net::RetryPolicy kRetry{.attempts = 4, .first_wait = std::chrono::milliseconds(300)};

/// A name, and its place in the cache.
struct Wanted {
  RepoKind kind = RepoKind::kModel;
  HubName name;
  RepoCache cache;
  bool by_path = false;  ///< one file, whatever it is
};

Result<Selection> choose(const Wanted& wanted, const std::vector<RepoFile>& files, const std::string& where) {
  if (wanted.by_path) return choose_file(files, wanted.name.file, where);
  return wanted.kind == RepoKind::kModel ? choose_model_files(files, wanted.name.file, where)
                                         : choose_dataset_files(files, wanted.name.file, where);
}

std::vector<RepoFile> selected(const std::vector<RepoFile>& files, const Selection& selection) {
  std::vector<RepoFile> chosen;
  for (const RepoFile& file : files) {
    if (std::find(selection.files.begin(), selection.files.end(), file.path) != selection.files.end())
      chosen.push_back(file);
  }
  return chosen;
}

std::string shown_name(const Wanted& wanted) { return "hf:" + wanted.name.repository; }

HubFiles result_of(const Wanted& wanted, const std::string& commit, const Selection& selection,
                   const std::vector<RepoFile>& files) {
  HubFiles result;
  result.path = selection.main.empty() ? wanted.cache.snapshot(commit) : wanted.cache.file(commit, selection.main);
  result.source = pinned_name(wanted.name.repository, commit, selection.main);
  const bool file = !selection.main.empty() && wanted.kind == RepoKind::kModel;
  result.name = file ? fs::path(selection.main).stem().string() : short_name(wanted.name.repository);
  result.files = static_cast<int>(files.size());
  for (const RepoFile& entry : files) result.bytes += entry.size;
  return result;
}

/// The complete files that the cache has under this name. If the cache has a listing of the commit, it says which files
/// are needed. Without a listing (for example after a download by Python) the files present are taken to be complete,
/// if `trusting`.
std::optional<HubFiles> find_cached(const Wanted& wanted, bool trusting) {
  const auto commit = wanted.cache.commit_of(wanted.name.revision);
  if (!commit) return std::nullopt;
  const auto listing = wanted.cache.listing(*commit);
  if (!listing && !trusting) return std::nullopt;
  const std::vector<RepoFile> files = listing ? listing->files : wanted.cache.present(*commit);
  auto selection = choose(wanted, files, shown_name(wanted));
  if (!selection) return std::nullopt;
  const std::vector<RepoFile> chosen = selected(files, *selection);
  const bool whole =
      std::all_of(chosen.begin(), chosen.end(), [&](const auto& file) { return wanted.cache.has(*commit, file); });
  if (!whole) return std::nullopt;
  return result_of(wanted, *commit, *selection, chosen);
}

/// The error that says why the cache alone can't serve.
tl::unexpected<Error> not_cached(const Wanted& wanted) {
  const std::string next = "unset HF_HUB_OFFLINE to allow the download";
  const auto commit = wanted.cache.commit_of(wanted.name.revision);
  if (!commit) return input_error("not in the cache, and HF_HUB_OFFLINE forbids downloads", shown_name(wanted), next);
  const auto listing = wanted.cache.listing(*commit);
  auto selection = choose(wanted, listing ? listing->files : wanted.cache.present(*commit), shown_name(wanted));
  if (!selection) {
    selection.error().message += " (among the files in the cache)";
    return forward(selection);
  }
  return input_error("only partly in the cache, and HF_HUB_OFFLINE forbids downloads", shown_name(wanted), next);
}

Result<HubFiles> fetch_listed(HubApi& api, const Wanted& wanted, const Listing& listing, const HubOptions& options,
                              ProgressListener& progress, std::stop_token stop) {
  auto selection = choose(wanted, listing.files, shown_name(wanted));
  if (!selection) return forward(selection);
  const std::vector<RepoFile> chosen = selected(listing.files, *selection);
  DownloadJob job{.kind = wanted.kind, .repository = wanted.name.repository, .commit = listing.commit, .files = {}};
  for (const RepoFile& file : chosen) {
    if (!wanted.cache.has(listing.commit, file)) job.files.push_back(file);
  }
  if (Status done = download(api, wanted.cache, job, {.connections = options.connections}, progress, std::move(stop));
      !done) {
    return forward(done);
  }
  if (Status kept = wanted.cache.set_listing(listing); !kept) return forward(kept);
  if (Status kept = wanted.cache.set_commit(wanted.name.revision, listing.commit); !kept) return forward(kept);
  return result_of(wanted, listing.commit, *selection, chosen);
}

Result<HubFiles> fetch(RepoKind kind, const std::string& text, const HubOptions& options, ProgressListener& progress,
                       std::stop_token stop, bool by_path = false) {
  auto name = parse_hub_name(text);
  if (!name) return forward(name);
  auto settings = read_settings();
  if (!settings) return forward(settings);
  const Wanted wanted{kind, *name, RepoCache(settings->cache, kind, name->repository), by_path};
  if (!options.refresh || settings->offline) {
    if (auto cached = find_cached(wanted, settings->offline)) return *std::move(cached);
  }
  if (settings->offline) return not_cached(wanted);
  HubApi api(*settings, kRetry);
  const HubResult<Listing> listing = api.list(kind, wanted.name, stop);
  if (listing) return fetch_listed(api, wanted, *listing, options, progress, std::move(stop));
  Error error = listing.error().error;
  if (listing.error().unreachable) {
    if (auto cached = find_cached(wanted, true)) {
      progress.note("the hub cannot be reached (" + error.message + "); using the cached copy: " + cached->source);
      return *std::move(cached);
    }
  }
  if (error.where.empty()) error.where = text;
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace

bool is_hub_name(const std::string& text) { return hub::is_hub_name(text); }

Result<HubFiles> fetch_model(const std::string& name, const HubOptions& options, ProgressListener& progress,
                             std::stop_token stop) {
  return fetch(RepoKind::kModel, name, options, progress, std::move(stop));
}

Result<HubFiles> fetch_dataset(const std::string& name, const HubOptions& options, ProgressListener& progress,
                               std::stop_token stop) {
  return fetch(RepoKind::kDataset, name, options, progress, std::move(stop));
}

Result<HubFiles> fetch_file(const std::string& name, const HubOptions& options, ProgressListener& progress,
                            std::stop_token stop) {
  return fetch(RepoKind::kModel, name, options, progress, std::move(stop), true);
}

Result<std::string> choose_local_model(const std::string& path) {
  constexpr int kDeepest = 1;  // a split file may have a folder of its own
  std::error_code ignored;
  const fs::path given(path);
  const std::string pattern = given.filename().string();
  const bool folder = fs::is_directory(given, ignored);
  const bool scheme = path.find(':') < path.find('/');  // server:http://...
  if (!folder && (scheme || fs::exists(given, ignored) || !hub::is_pattern(pattern))) return path;
  if (folder && fs::exists(given / "config.json", ignored)) return path;
  const fs::path place = folder ? given : given.parent_path();
  const std::vector<RepoFile> files = files_below(place.empty() ? "." : place.string(), kDeepest);
  const auto is_gguf = [](const RepoFile& file) { return file.path.ends_with(".gguf"); };
  if (folder && std::none_of(files.begin(), files.end(), is_gguf)) return path;
  auto selection = choose_model_files(files, folder ? "" : pattern, place.empty() ? "." : place.string());
  if (!selection) return forward(selection);
  return (place / selection->main).string();
}

}  // namespace hre
