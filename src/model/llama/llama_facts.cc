#include "model/llama/llama_facts.h"

#include <fmt/format.h>

#include <numeric>

#include "model/llama/computation_plan.h"
#include "model/llama/description.h"
#include "model/llama/vocabulary.h"

namespace hre {
namespace {

std::string vocabulary_name(const llama_vocab* vocab, const GgufHeader& header) {
  const std::string pre = header.text("tokenizer.ggml.pre");
  switch (llama_vocab_type(vocab)) {
    case LLAMA_VOCAB_TYPE_SPM:
      return "SentencePiece BPE";
    case LLAMA_VOCAB_TYPE_BPE:
      return pre.empty() ? "byte-level BPE" : fmt::format("byte-level BPE ({})", pre);
    case LLAMA_VOCAB_TYPE_WPM:
      return "WordPiece";
    case LLAMA_VOCAB_TYPE_UGM:
      return "SentencePiece unigram";
    case LLAMA_VOCAB_TYPE_RWKV:
      return "RWKV";
    default:
      return "another";
  }
}

std::string text_of(const llama_vocab* vocab, Token token) {
  const char* text = token < 0 ? nullptr : llama_vocab_get_text(vocab, token);
  return text == nullptr ? "" : text;
}

uint64_t parameters_of(const ModelFiles& files) {
  uint64_t total = 0;
  for (const GgufHeader& header : files.headers) {
    for (const GgufTensor& tensor : header.tensors) {
      total += std::accumulate(tensor.shape.begin(), tensor.shape.end(), uint64_t{1},
                               [](uint64_t product, int64_t size) { return product * static_cast<uint64_t>(size); });
    }
  }
  return total;
}

class LlamaTokenizer final : public FileTokenizer {
 public:
  explicit LlamaTokenizer(LlamaVocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}

  Result<std::vector<Token>> encode(std::string_view text) const override { return vocabulary_.encode(text); }

 private:
  LlamaVocabulary vocabulary_;
};

}  // namespace

Result<std::unique_ptr<FileTokenizer>> open_tokenizer(const std::string& path) {
  auto vocabulary = open_llama_vocabulary(path);
  if (!vocabulary) return forward(vocabulary);
  return std::make_unique<LlamaTokenizer>(std::move(*vocabulary));
}

Result<ModelFacts> llama_facts(const std::string& path, const EngineOptions& options, const std::string& source) {
  auto files = read_model_files(path);
  if (!files) return forward(files);
  auto model = load_vocabulary(*files);
  if (!model) return forward(model);
  const llama_vocab* vocab = llama_model_get_vocab(model->get());
  auto description = describe_files(model->get(), *files);
  if (!description) return forward(description);
  ModelFacts facts;
  facts.description = std::move(*description);
  facts.description.source = source;
  facts.description.parameters = parameters_of(*files);
  facts.description.context_length = files->main().of_layer("context_length", 0, 0);
  facts.n_files = static_cast<int>(files->parts.size());
  facts.vocabulary = vocabulary_name(vocab, files->main());
  facts.n_tokens = llama_vocab_n_tokens(vocab);
  facts.bos = text_of(vocab, llama_vocab_bos(vocab));
  facts.eos = text_of(vocab, llama_vocab_eos(vocab));
  facts.adds_bos = llama_vocab_get_add_bos(vocab);
  facts.chat_template = files->main().text("tokenizer.chat_template");
  auto machine = this_machine(options);
  if (!machine) return forward(machine);
  auto plan = plan_computation(*files, options, *machine);
  if (!plan) return forward(plan);
  facts.weight_bytes = plan->host.weights + plan->devices.weights;
  facts.cache_bytes = plan->host.cache + plan->devices.cache;
  facts.compute_bytes = plan->host.compute;
  return facts;
}

}  // namespace hre
