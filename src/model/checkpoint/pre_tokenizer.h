#pragma once
/// The name of a byte-level BPE vocabulary's pre-tokenizer, found as llama.cpp's converter finds it: by the hash of the
/// tokens of one text.

#include <nlohmann/json.hpp>
#include <string>

namespace hre {

/// What tokenizer.ggml.pre is for a tokenizer.json. `known` is the text of the converter's source that lists the names
/// by hash. For a hash that it has not, what the file states decides, as in convert_checkpoint.py. Throws Unknown for
/// whatever might tokenise the text in another way than this does.
std::string pre_tokenizer_name(const nlohmann::json& tokenizer, const std::string& known);

/// The SHA-256 of a text, in hexadecimal digits.
std::string sha256(const std::string& text);

}  // namespace hre
