#pragma once
/// The vocabulary of a checkpoint folder as tokenizer.* metadata of a GGUF file: tokenizer.model (SentencePiece),
/// tokenizer.json, tokenizer_config.json and chat templates, read as llama.cpp's converter reads them. All throw
/// Unknown for what they do not know exactly.

#include <cstdint>
#include <string>

#include "model/checkpoint/gguf_writer.h"

namespace hre {

struct VocabularySource {
  std::string folder;
  int64_t vocab_size = 0;            ///< of config.json
  std::string known_pre_tokenizers;  ///< the converter's source that lists them by hash
};

/// How a family's converter looks for the vocabulary.
enum class VocabularyRule {
  kLlama,          ///< tokenizer.model, else pieces or bytes in tokenizer.json
  kPiecesOrBytes,  ///< tokenizer.model, else bytes in tokenizer.json
  kBytes,          ///< bytes in tokenizer.json
  kGemma,          ///< tokenizer.model, without a space in front
  kPhi3,           ///< bytes in tokenizer.json if the class is GPT-2's, else tokenizer.model
};

void add_vocabulary(const VocabularySource& source, VocabularyRule rule, GgufMetadata& metadata);

}  // namespace hre
