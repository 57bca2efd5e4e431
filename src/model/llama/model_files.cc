#include "model/llama/model_files.h"

#include <fmt/format.h>

#include <set>

namespace hre {

const GgufTensor* ModelFiles::tensor(const std::string& name) const {
  for (const GgufHeader& header : headers) {
    if (const GgufTensor* found = header.tensor(name); found != nullptr) return found;
  }
  return nullptr;
}

uint64_t ModelFiles::tensor_bytes() const {
  uint64_t total = 0;
  for (const GgufHeader& header : headers) total += header.tensor_bytes;
  return total;
}

Result<ModelFiles> read_model_files(const std::string& path) {
  ModelFiles files;
  auto parts = gguf_parts(path);
  if (!parts) return forward(parts);
  files.parts = std::move(*parts);
  for (const std::string& part : files.parts) {
    auto header = read_gguf_header(part);
    if (!header) return forward(header);
    files.headers.push_back(std::move(*header));
  }
  const int64_t n_parts = files.main().number("split.count", 0);
  if (n_parts > 1 && files.parts.size() == 1) {
    return input_error(fmt::format("is one of {} parts of a model, but its name does not say so", n_parts), path,
                       "such files end in -00001-of-00003.gguf");
  }
  return files;
}

Result<std::string> pre_tokenizer_for(const ModelFiles& files) {
  const GgufHeader& header = files.main();
  const std::string stated = header.text("tokenizer.ggml.pre");
  // A converter writes "default" for a vocabulary that it does not know; libllama then splits text in its own way.
  if (header.text("tokenizer.ggml.model") != "gpt2" || (!stated.empty() && stated != "default")) return "";
  static const std::set<std::string> kLikeGpt2 = {"gpt2", "gptneox", "gptj", "codegen", "mpt", "phi2"};
  if (kLikeGpt2.contains(files.architecture())) return "gpt-2";
  return input_error(stated.empty()
                         ? "the file does not say how its vocabulary splits text into words (tokenizer.ggml.pre)"
                         : "the file says 'default' for how its vocabulary splits text into words "
                           "(tokenizer.ggml.pre): its converter did not know",
                     files.parts.front(), "tokens would be wrong: convert the model again");
}

Result<LlamaModel> load_vocabulary(const ModelFiles& files) {
  auto pre_tokenizer = pre_tokenizer_for(files);
  if (!pre_tokenizer) return forward(pre_tokenizer);
  return load_llama_vocabulary(files.parts, *pre_tokenizer);
}

}  // namespace hre
