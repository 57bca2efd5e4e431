#pragma once
/// Files of a repository into the cache: several at once and each in pieces, over several connections.

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
  int64_t piece = int64_t{16} << 20;  ///< bytes asked for at once
};

/// What is fetched: these files of a repository at a commit.
struct DownloadJob {
  RepoKind kind = RepoKind::kModel;
  std::string repository;
  std::string commit;
  std::vector<RepoFile> files;
};

/// Fetches the files, checks them, and links them into the snapshot of their commit as each is whole. Files that
/// another process is fetching are waited for. What is there already, whole or in part, is not fetched again.
/// On an error or `stop` the rest is given up; what is whole stays, and what is not is resumed next time.
Status download(HubApi& api, const RepoCache& cache, const DownloadJob& job, const DownloadOptions& options,
                ProgressListener& progress, std::stop_token stop);

}  // namespace hre::hub
