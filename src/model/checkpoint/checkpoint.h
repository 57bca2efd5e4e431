#pragma once
/// The folder src/model/checkpoint: checkpoint folders in Hugging Face's layout, each converted to GGUF once.
///
/// Not here: reading GGUF (src/model/llama/gguf_header.h), and finding checkpoints that a training writes
///           (src/service).
/// Types:    `Family` maps one architecture's configuration and tensors; `GgufMetadata` and `TensorSource` are the file
///           that comes of it; `Unknown` sends everything else to llama.cpp's converter.
/// Owners:   the cache folder owns converted files; a lock keeps other processes out while one converts.
/// Threads:  from any thread; conversion waits for the lock.
/// To add:   an architecture that hre converts itself: a row in families.cc. A pre-tokeniser: pre_tokenizer.cc.

/// Checkpoint folders in Hugging Face's layout (config.json, *.safetensors, tokenizer files), each converted to GGUF
/// once.

#include <stop_token>
#include <string>
#include <vector>

#include "hre/progress.h"
#include "hre/result.h"
#include "hre/scorer.h"

namespace hre {

/// Whether the path is a folder with a config.json.
bool is_checkpoint(const std::string& path);

/// The GGUF file of a checkpoint: from the cache (cache_folder()/converted, by the hash of the folder's files and of
/// the converter), or converted now by llama.cpp's converter. The first conversion creates its Python environment under
/// cache_folder()/python, as pinned in third_party/pypi-convert.lock; HRE_CONVERT_PYTHON names another. Weights keep
/// their precision. Input errors say why a checkpoint can't be converted.
Result<std::string> converted_checkpoint(const std::string& folder, ProgressListener& progress,
                                         const std::stop_token& stop);

/// Removes what killed conversions have left beside that file's place, unless one is at work there now.
void remove_unfinished(const std::string& place);

/// Where that file is, or will be. Reads the checkpoint's files, unless their hashes are remembered.
Result<std::string> place_of_converted(const std::string& folder, ProgressListener& progress,
                                       const std::stop_token& stop);

/// A checkpoint's log-likelihoods, in nats, of each request's continuations, computed by Transformers in float32 with
/// one pass per continuation. Shares nothing with hre's own scoring except the rule. max_length is in tokens; 0: the
/// model's own.
Result<std::vector<std::vector<double>>> score_by_transformers(const std::string& folder,
                                                               const std::vector<ScoringRequest>& requests,
                                                               int max_length, ProgressListener& progress,
                                                               const std::stop_token& stop);

}  // namespace hre
