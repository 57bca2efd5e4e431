#pragma once
/// The part of the hub's API that hre needs: the files of a repository at a revision, and the addresses of their bytes.

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/result.h"
#include "hub/name.h"
#include "hub/settings.h"
#include "net/http.h"
#include "net/retry.h"

namespace hre::hub {

struct RepoFile {
  std::string path;
  int64_t size = 0;  ///< bytes
  std::string etag;  ///< the hash by which the cache names it: SHA-256 of large files, git's blob hash of others

  bool operator==(const RepoFile&) const = default;
};

/// All files of a repository at one commit, by path.
struct Listing {
  std::string commit;
  std::vector<RepoFile> files;

  bool operator==(const Listing&) const = default;
};

/// Where a file can be downloaded.
struct FileAddress {
  std::string etag;
  int64_t size = 0;
  std::string url;       ///< after redirects; signed and valid only for a while if on another host
  bool foreign = false;  ///< on another host, which must not see the token
};

/// The error means that the hub could not be reached, as opposed to a refusal: the cache may still serve.
struct HubFailure {
  Error error;
  bool unreachable = false;
};
template <class T>
using HubResult = tl::expected<T, HubFailure>;

/// Thread-safe.
class HubApi {
 public:
  HubApi(HubSettings settings, net::RetryPolicy retry);

  /// Fetches a repository's listing: its commit, then the pages of its tree.
  HubResult<Listing> list(RepoKind kind, const HubName& name, const std::stop_token& stop);

  /// Looks up a file at a commit, without its bytes.
  Result<FileAddress> locate(RepoKind kind, const std::string& repository, const std::string& commit,
                             const RepoFile& file, const std::stop_token& stop);

  /// A request for a file's bytes at its address.
  [[nodiscard]] net::HttpRequest request_for(const FileAddress& address) const;

  net::HttpClient& client() { return client_; }
  [[nodiscard]] const HubSettings& settings() const { return settings_; }
  [[nodiscard]] const net::RetryPolicy& retry() const { return retry_; }

 private:
  HubResult<net::HttpResponse> get(RepoKind kind, const HubName& name, const std::string& url,
                                   const std::stop_token& stop);
  HubResult<std::string> commit_of(RepoKind kind, const HubName& name, const std::stop_token& stop);

  HubSettings settings_;
  net::RetryPolicy retry_;
  net::HttpClient client_;
};

/// The commit in the API's description of a repository.
Result<std::string> parse_commit(const std::string& json);

/// Adds the files of one page of a tree. Paths and hashes that could point outside of the cache are an error.
Status parse_tree_page(const std::string& json, std::vector<RepoFile>& files);

/// The next page's address in a Link header.
std::optional<std::string> next_page(const std::string& link);

/// Turns a response that is not a success into an error: what it means, and what to do about it.
Error error_of(const net::HttpResponse& response, RepoKind kind, const HubName& name, const HubSettings& settings);

}  // namespace hre::hub
