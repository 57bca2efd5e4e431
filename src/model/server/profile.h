#pragma once
/// The results of the probe of a server, and the requests that follow from them.

#include <span>
#include <string>
#include <vector>

#include "model/server/address.h"
#include "model/server/alignment.h"
#include "model/server/dispatcher.h"
#include "model/server/requests.h"

namespace hre::server {

/// Where text is tokenised.
enum class Tokenizer {
  kServer,
  kFile,     ///< with the vocabulary that the user named
  kOffsets,  ///< nowhere: answers are cut out of a whole text's values by the server's text offsets
};

struct Profile {
  Api api = Api::kOpenAi;
  std::string model;       ///< the model's name on the server
  std::string version;     ///< the server's; empty: unknown
  int64_t max_length = 0;  ///< tokens of a prompt plus one generated token; 0: unknown
  Tokenizer tokenizer = Tokenizer::kOffsets;
  std::string tokenize_path;
  TokenizeShape tokenize_shape = TokenizeShape::kPrompt;
  std::vector<Token> specials;  ///< tokens that the server's tokenizer always adds in front
  bool server_adds_bos = false;
  int max_tokens = 1;  ///< to generate
  Alignment alignment;
  OffsetRule offsets;               ///< for tokens found by offsets
  double noise = 0;                 ///< the largest difference between two equal requests, in nats
  std::vector<float> probe_values;  ///< the values of the known sequence
  /// llama-server: answers are scored token by token, each forced to be the one that is generated. False if it can list
  /// a prompt's log-probabilities.
  bool is_forced = false;
  bool caches_go_back = false;     ///< llama-server: to the end of a prompt, so that it is computed once a question
  int slots = 1;                   ///< llama-server: requests that it computes at once
  std::string weights;             ///< llama-server: type, parameters and bytes
  Token plain_token = -1;          ///< llama-server: one whose text is whole characters
  double seconds_per_request = 0;  ///< llama-server: for one forced token after a prompt that it has in its cache

  /// Prompts are sent as token ids, several per request; otherwise as text, one per request.
  [[nodiscard]] bool takes_ids() const { return api == Api::kVllm || api == Api::kSglang || api == Api::kLlama; }
};

/// One text to score, as ids or as text.
struct Prompt {
  std::vector<Token> ids;
  std::string text;
  size_t start = 0;  ///< SGLang: the first token whose value is requested
};

Request scoring_request(const Profile& profile, std::span<const Prompt> prompts);

/// One token of an answer, for servers that are forced.
Request forced_request(const Profile& profile, const ForcedToken& token);

/// The results for the prompts, in their order. Fails unless there is one entry per prompt.
Result<std::vector<ScoredPrompt>> parse_scored(const Profile& profile, const std::string& body, size_t n_prompts);

Request tokenize_request(const Profile& profile, std::string_view text, bool special = false);

}  // namespace hre::server
