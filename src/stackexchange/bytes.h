#pragma once
/// Streams of bytes, the form in which dumps are read: a file, an entry of an archive (data/archive.h), memory.

#include <memory>
#include <string>
#include <string_view>

#include "data/archive.h"
#include "hre/result.h"

namespace hre::stackexchange {

using data::ByteSource;

/// A file's bytes.
Result<std::unique_ptr<ByteSource>> open_file(const std::string& path);

/// Bytes in memory, which must outlive the source.
std::unique_ptr<ByteSource> open_memory(std::string_view bytes);

/// Reads `inner` a few mebibytes ahead in a separate thread, so that unpacking and parsing overlap. `inner` must
/// outlive the source and must not be used in the meantime.
std::unique_ptr<ByteSource> read_ahead(ByteSource& inner);

}  // namespace hre::stackexchange
