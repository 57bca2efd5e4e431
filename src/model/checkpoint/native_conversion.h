#pragma once
/// hre's own conversion of checkpoint folders to GGUF, without Python: for the families of families.h, where it knows
/// everything that llama.cpp's converter would write. Tensors and metadata are the converter's, but for its notes about
/// the model's origin (general.basename, general.size_label, general.license...), of which hre writes general.name
/// alone: libllama tokenises by it.

#include <optional>
#include <stop_token>
#include <string>

#include "hre/progress.h"
#include "hre/result.h"

namespace hre {

/// Changes with what is written, so that a file of an earlier hre is not taken for this one's.
inline constexpr int kNativeConversion = 1;

/// Converts a folder to a file. `known_pre_tokenizers`: the converter's source that lists pre-tokenizers
/// (conversion/base.py). Returns nothing when the file is written, or why hre does not know this checkpoint exactly;
/// then nothing was written. Errors: broken weights, no room on the disk.
Result<std::optional<std::string>> convert_natively(const std::string& folder, const std::string& known_pre_tokenizers,
                                                    const std::string& out, ProgressListener& progress,
                                                    const std::stop_token& stop);

}  // namespace hre
