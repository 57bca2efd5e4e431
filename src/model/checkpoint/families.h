#pragma once
/// The architectures that hre converts itself: which keys of config.json become which metadata, and which tensors
/// become which. All as llama.cpp's converter does it, with what convert_checkpoint.py adds.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/checkpoint/gguf_writer.h"
#include "model/checkpoint/safetensors.h"
#include "model/checkpoint/vocabulary_files.h"

namespace hre {

struct Family;

/// The family of a config.json, whose every key is known; throws Unknown for others.
const Family& family_of(const nlohmann::json& config);

VocabularyRule vocabulary_of(const Family& family);

/// What a family's GGUF file says and has besides the vocabulary and what is said of every model.
struct FamilyContent {
  std::string architecture;       ///< general.architecture
  GgufMetadata before_name;       ///< in the order in which the converter writes them: before general.type...
  GgufMetadata parameters;        ///< after general.name
  GgufMetadata after_vocabulary;  ///< what convert_checkpoint.py adds
  std::vector<TensorSource> tensors;
};

/// `type` is that of matrices; vectors are float32. Throws Unknown, or JSON's type errors.
FamilyContent convert_family(const Family& family, const nlohmann::json& config, const Safetensors& weights,
                             WeightType type);

}  // namespace hre
