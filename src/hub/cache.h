#pragma once
/// The cache on disk, in the layout of Python's huggingface_hub, so that both programs use each other's downloads:
///
///   models--ORG--REPO/blobs/ETAG              contents, by hash
///   models--ORG--REPO/snapshots/COMMIT/PATH   links to them
///   models--ORG--REPO/refs/REVISION           a file with the commit
///   models--ORG--REPO/trees/COMMIT.json       the repository's listing at that commit; read, not written
///   .locks/models--ORG--REPO/ETAG.lock        held (flock) while a blob is fetched
///
/// and, only for hre and ignored by Python:
///
///   models--ORG--REPO/.hre/COMMIT.json        the repository's listing at that commit
///   models--ORG--REPO/.hre/parts/ETAG         an incomplete blob; ETAG.ranges lists the ranges that it has
///   models--ORG--REPO/.hre/wrong/ETAG         a download whose hash was wrong

#include <optional>
#include <string>
#include <vector>

#include "hre/result.h"
#include "hub/api.h"

namespace hre::hub {

/// One repository's folder in the cache. A plain value; the paths need not exist.
class RepoCache {
 public:
  RepoCache(const std::string& cache, RepoKind kind, const std::string& repository);

  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] const std::string& locks() const { return locks_; }
  [[nodiscard]] std::string snapshot(const std::string& commit) const { return folder_ + "/snapshots/" + commit; }
  [[nodiscard]] std::string file(const std::string& commit, const std::string& path) const;
  [[nodiscard]] std::string blob(const std::string& etag) const { return folder_ + "/blobs/" + etag; }
  [[nodiscard]] std::string part(const std::string& etag) const { return folder_ + "/.hre/parts/" + etag; }
  [[nodiscard]] std::string wrong(const std::string& etag) const { return folder_ + "/.hre/wrong/" + etag; }
  [[nodiscard]] std::string lock(const std::string& etag) const { return locks_ + "/" + etag + ".lock"; }

  /// The commit that a revision pointed to when the hub was last asked, if its snapshot is in the cache.
  [[nodiscard]] std::optional<std::string> commit_of(const std::string& revision) const;
  Status set_commit(const std::string& revision, const std::string& commit) const;

  /// The listing of a commit, if hre or Python has asked the hub for it before.
  [[nodiscard]] std::optional<Listing> listing(const std::string& commit) const;
  Status set_listing(const Listing& listing) const;

  /// The files of a snapshot that are in the cache. Sizes are those on disk; etags are left empty.
  [[nodiscard]] std::vector<RepoFile> present(const std::string& commit) const;
  [[nodiscard]] bool has(const std::string& commit, const RepoFile& file) const;

  /// Gives a blob its name in a snapshot: a relative link, or a copy if the disk has no links.
  Status link(const std::string& commit, const std::string& path, const std::string& etag) const;

 private:
  std::string folder_, locks_;
};

/// The files below a folder (at most this many folders deep), links followed, hidden files left out; sorted paths
/// relative to the folder.
std::vector<RepoFile> files_below(const std::string& folder, int deepest);

/// A stored listing as text, and parsed from text; nothing if the text is not a listing.
std::string listing_text(const Listing& listing);
std::optional<Listing> parse_listing(const std::string& text);

/// The listing that huggingface_hub 2 keeps as trees/COMMIT.json.
std::optional<Listing> parse_python_tree(const std::string& text, const std::string& commit);

/// Creates the folders on the path to a file.
Status make_folder_of(const std::string& path);

}  // namespace hre::hub
