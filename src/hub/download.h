#pragma once
/// Fetches a repository's files into the cache: several files at once, each in pieces, over several connections.

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/progress.h"
#include "hre/result.h"
#include "hub/api.h"
#include "hub/cache.h"

namespace hre::hub {

struct DownloadOptions {
  int connections = 8;
  int64_t piece = int64_t{16} << 20;  ///< bytes per request
};

/// The files to fetch, from a repository at a commit.
struct DownloadJob {
  RepoKind kind = RepoKind::kModel;
  std::string repository;
  std::string commit;
  std::vector<RepoFile> files;
};

/// Fetches the files, checks them, and links each into the snapshot of its commit when it is complete. Waits for files
/// that another process is fetching. Bytes that are on the disk already are not fetched again. After an error or `stop`
/// the remaining work is abandoned: complete files stay, and incomplete ones are resumed next time.
Status download(HubApi& api, const RepoCache& cache, const DownloadJob& job, const DownloadOptions& options,
                ProgressListener& progress, std::stop_token stop);

}  // namespace hre::hub
