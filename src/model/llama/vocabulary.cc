#include "model/llama/vocabulary.h"

#include "core/fingerprint.h"
#include "model/llama/model_files.h"

namespace hre {

Result<LlamaVocabulary> open_llama_vocabulary(const std::string& path) {
  auto files = read_model_files(path);
  if (!files) return forward(files);
  auto loaded = load_vocabulary(*files);
  if (!loaded) return forward(loaded);
  const std::shared_ptr<llama_model> model = std::move(*loaded);
  const llama_vocab* vocab = llama_model_get_vocab(model.get());
  LlamaVocabulary vocabulary;
  vocabulary.encode = [model, vocab](std::string_view text) { return encode_text(vocab, text); };
  vocabulary.piece = [model, vocab](Token token) { return llama_piece(vocab, token); };
  if (const Token bos = llama_vocab_bos(vocab); bos >= 0) vocabulary.bos = bos;
  vocabulary.adds_bos = llama_vocab_get_add_bos(vocab);
  auto fingerprint = fingerprint_file(path);
  if (!fingerprint) return forward(fingerprint);
  vocabulary.fingerprint = std::move(*fingerprint);
  return vocabulary;
}

}  // namespace hre
