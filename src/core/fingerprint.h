#pragma once
/// Content hashes of large files, remembered so that many gigabytes are read only once.

#include <string>

#include "hre/result.h"

namespace hre {

/// The hash of a file's bytes, as hash_file computes it. Hashes are remembered in the cache folder (without one, every
/// call reads the file) and reused while size, times of change and inode are the same. The hash of a file that changed
/// within the last two seconds is not remembered, because another change might leave the same times.
Result<std::string> fingerprint_file(const std::string& path);

/// Forgets all remembered hashes, so that files are read again.
void forget_fingerprints();

}  // namespace hre
