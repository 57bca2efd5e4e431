#pragma once
/// Content hashes of large files, remembered so that a model of many gigabytes is read for its hash once.

#include <string>

#include "hre/result.h"

namespace hre {

/// The hash of a file's bytes, as hash_file gives it. It is taken from the last time where size, times of change and
/// inode are the same. Hashes are remembered in the cache folder; without one, every call reads the file. A file that
/// changed within the last two seconds is not remembered: it may change again without its times telling.
Result<std::string> fingerprint_file(const std::string& path);

/// Forgets all remembered hashes: files are read anew.
void forget_fingerprints();

}  // namespace hre
