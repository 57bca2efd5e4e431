#pragma once
/// What the probe found out about a server, and the requests that follow from it.

#include <span>
#include <string>
#include <vector>

#include "model/server/address.h"
#include "model/server/alignment.h"
#include "model/server/dispatcher.h"
#include "model/server/requests.h"

namespace hre::server {

/// Where text becomes tokens.
enum class Tokenizer {
  kServer,
  kFile,     ///< the vocabulary that the user named
  kOffsets,  ///< nowhere: answers are cut out of a whole text's values by the server's text offsets
};

struct Profile {
  Api api = Api::kOpenAi;
  std::string model;       ///< its name there
  std::string version;     ///< of the server; empty: not said
  int64_t max_length = 0;  ///< tokens of a prompt and of one generated after it; 0: not said
  Tokenizer tokenizer = Tokenizer::kOffsets;
  std::string tokenize_path;
  TokenizeShape tokenize_shape = TokenizeShape::kPrompt;
  std::vector<Token> specials;  ///< that the server's tokenizer puts in front, asked or not
  bool server_adds_bos = false;
  int max_tokens = 1;  ///< to generate
  Alignment alignment;
  OffsetRule offsets;               ///< where tokens come from offsets
  double noise = 0;                 ///< nats; the largest difference between two equal requests
  std::vector<float> probe_values;  ///< of the known sequence

  /// Prompts go as token ids, several a request; otherwise one a request, as text.
  [[nodiscard]] bool takes_ids() const { return api == Api::kVllm || api == Api::kSglang; }
};

/// One text to score, as ids or as text.
struct Prompt {
  std::vector<Token> ids;
  std::string text;
  size_t start = 0;  ///< SGLang: the first token whose value is asked for
};

Request scoring_request(const Profile& profile, std::span<const Prompt> prompts);

/// What came back for the prompts, in their order. Fails where it is not one entry a prompt.
Result<std::vector<ScoredPrompt>> parse_scored(const Profile& profile, const std::string& body, size_t n_prompts);

Request tokenize_request(const Profile& profile, std::string_view text, bool special = false);

}  // namespace hre::server
