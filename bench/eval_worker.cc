// Scores questions for bench/eval_speed.py, by hre or by libllama used plainly.
//   bench_eval_worker shared MODEL.gguf      hre: the prompt once for all answers
//   bench_eval_worker plain MODEL.gguf       one llama_decode an answer
// Both with a float32 cache and without flash attention. Reads a line [{"context": text, "continuations": [text]}] a
// few questions, and answers {"seconds": text to sums, "answers": [{"n_tokens", "sum_log_prob"}]}, question after
// question, in one line.
#include <fmt/format.h>
#include <llama.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <thread>

#include "hre/scorer.h"

namespace {

using Json = nlohmann::json;
using hre::ScoringRequest;

struct Sum {
  size_t n_tokens = 0;
  double log_prob = 0;  // nats
};

[[noreturn]] void stop(const std::string& message) {
  fmt::print(stderr, "bench_eval_worker: {}\n", message);
  std::exit(1);
}

template <class T>
T must(hre::Result<T> result) {
  if (!result) stop(result.error().text());
  return std::move(*result);
}

std::vector<Sum> score_shared(hre::Scorer& scorer, const std::vector<ScoringRequest>& requests) {
  std::vector<hre::QuestionPlan> plans;
  for (const ScoringRequest& request : requests) plans.push_back(must(scorer.plan(request)));
  std::vector<std::vector<Sum>> sums(plans.size());
  const auto sink = [&](size_t question, const hre::QuestionScore& score) {
    for (const auto& answer : score.answers) {
      const auto& log_probs = answer.token_log_probs;
      sums[question].push_back({log_probs.size(), std::accumulate(log_probs.begin(), log_probs.end(), 0.0)});
    }
    return true;
  };
  if (auto ok = hre::score_all(scorer, plans, sink, {}); !ok) stop(ok.error().text());
  std::vector<Sum> all;
  for (const auto& of_question : sums) all.insert(all.end(), of_question.begin(), of_question.end());
  return all;
}

/// libllama as its examples use it.
class Plain {
 public:
  explicit Plain(const char* path) {
    llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
    llama_backend_init();
    model_ = llama_model_load_from_file(path, llama_model_default_params());
    if (model_ == nullptr) stop("the model can't be loaded");
    vocab_ = llama_model_get_vocab(model_);
    llama_context_params params = llama_context_default_params();
    params.n_ctx = params.n_batch = static_cast<uint32_t>(llama_model_n_ctx_train(model_));
    params.n_threads = params.n_threads_batch = static_cast<int32_t>(std::thread::hardware_concurrency());
    params.type_k = params.type_v = GGML_TYPE_F32;
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    context_ = llama_init_from_model(model_, params);
    if (context_ == nullptr) stop("no context");
  }
  ~Plain() {
    llama_free(context_);
    llama_model_free(model_);
  }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;

  std::vector<Sum> score(const std::vector<ScoringRequest>& requests) {
    std::vector<Sum> sums;
    for (const ScoringRequest& request : requests) {
      const size_t n_context = encode(request.context).size();
      for (const std::string& text : request.continuations)
        sums.push_back(score(encode(request.context + text), n_context));
    }
    return sums;
  }

 private:
  std::vector<llama_token> encode(const std::string& text) const {
    std::vector<llama_token> tokens(text.size() + 8);
    const int32_t n = llama_tokenize(vocab_, text.data(), static_cast<int32_t>(text.size()), tokens.data(),
                                     static_cast<int32_t>(tokens.size()), false, true);
    if (n < 0) stop("the text can't become tokens");
    tokens.resize(static_cast<size_t>(n));
    return tokens;
  }

  Sum score(const std::vector<llama_token>& tokens, size_t n_context) {
    llama_memory_clear(llama_get_memory(context_), false);
    llama_batch batch = llama_batch_init(static_cast<int32_t>(tokens.size()), 0, 1);
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
      batch.token[i] = tokens[i];
      batch.pos[i] = static_cast<llama_pos>(i);
      batch.n_seq_id[i] = 1;
      batch.seq_id[i][0] = 0;
      batch.logits[i] = i + 1 >= n_context ? 1 : 0;
    }
    batch.n_tokens = static_cast<int32_t>(tokens.size()) - 1;
    if (llama_decode(context_, batch) != 0) stop("llama_decode failed");
    Sum sum;
    for (size_t i = n_context; i < tokens.size(); ++i, ++sum.n_tokens) {
      sum.log_prob += log_prob(llama_get_logits_ith(context_, static_cast<int32_t>(i) - 1), tokens[i]);
    }
    llama_batch_free(batch);
    return sum;
  }

  double log_prob(const float* logits, llama_token token) const {
    const int n = llama_vocab_n_tokens(vocab_);
    const float largest = *std::max_element(logits, logits + n);
    double total = 0;
    for (int i = 0; i < n; ++i) total += std::exp(logits[i] - largest);
    return static_cast<double>(logits[token] - largest) - std::log(total);
  }

  llama_model* model_;
  const llama_vocab* vocab_;
  llama_context* context_;
};

void serve(const std::function<std::vector<Sum>(const std::vector<ScoringRequest>&)>& score) {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::vector<ScoringRequest> requests;
    for (const Json& question : Json::parse(line)) requests.push_back({question["context"], question["continuations"]});
    const auto start = std::chrono::steady_clock::now();
    const std::vector<Sum> sums = score(requests);
    Json reply = {{"seconds", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()}};
    for (const Sum& sum : sums)
      reply["answers"].push_back({{"n_tokens", sum.n_tokens}, {"sum_log_prob", sum.log_prob}});
    std::cout << reply.dump() << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc == 3 ? argv[1] : "";
  if (mode == "shared") {
    const auto scorer = must(hre::open_model(argv[2], {}));
    serve([&](const std::vector<ScoringRequest>& requests) { return score_shared(*scorer, requests); });
  } else if (mode == "plain") {
    Plain plain(argv[2]);
    serve([&](const std::vector<ScoringRequest>& requests) { return plain.score(requests); });
  } else {
    stop("bench_eval_worker shared|plain MODEL.gguf");
  }
}
