// What inference servers answer: no crash, and what is taken from an answer keeps its promises. The first byte picks
// the parser.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/text.h"
#include "model/server/alignment.h"
#include "model/server/responses.h"

namespace {

using namespace hre::server;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const hre::Result<std::vector<ScoredPrompt>>& prompts) {
  if (!prompts) return require(!prompts.error().message.empty());
  for (size_t i = 0; i < prompts->size(); ++i) {
    const ScoredPrompt& prompt = (*prompts)[i];
    const size_t n = prompt.log_probs.size();
    require(prompt.index == static_cast<int>(i));
    require(prompt.ids.empty() || prompt.ids.size() == n);
    require(prompt.offsets.empty() || prompt.offsets.size() == n);
    for (const auto& value : prompt.log_probs) require(!value || (!std::isnan(*value) && *value <= 0));
    if (n == 0) continue;
    const std::vector<hre::Token> targets(prompt.ids.end() - static_cast<ptrdiff_t>(prompt.ids.size() / 2),
                                          prompt.ids.end());
    for (const int shift : {-1, 0, 1}) (void)take_targets(prompt, {shift}, n, targets);
    if (const auto last = take_last(prompt, targets)) require(last->size() == targets.size());
    if (const auto found = find_alignment(prompt, prompts->front(), n, n, n / 2)) require(std::abs(found->shift) <= 1);
    constexpr std::string_view kText = "caf\u00E9 \u6771\u4EAC \U0001F370 cake";
    (void)find_offset_rule(prompt, kText);
    for (int i = 0; i < 8; ++i) {
      const OffsetRule rule{(i & 1) != 0, (i & 2) != 0, (i & 4) != 0};
      const auto values = take_from_offset(prompt, rule, 5, kText);
      const hre::TokenTexts texts = texts_from_offset(prompt, rule, 5, kText);
      require(!values || values->size() == texts.ends.size());
      require(!hre::find_invalid_utf8(texts.text));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      check(parse_completions(body));
      break;
    case 1:
      check(parse_sglang(body));
      break;
    case 2:
      check(parse_tgi(body));
      break;
    case 3:
      if (const auto tokens = parse_tokens(body)) {
        for (const hre::Token token : *tokens) require(token >= 0);
      }
      if (const auto generated = parse_llama(body)) {
        for (const ListedToken& token : generated->likeliest) require(token.id >= 0 && token.log_prob <= 0);
        require(!generated->token || generated->token->log_prob <= 0);
      }
      break;
    case 4:
      for (const auto& info : {parse_models(body), parse_sglang_info(body), parse_sglang_server(body),
                               parse_tgi_info(body), parse_llama_props(body)}) {
        if (info) require(info->max_length >= 0 && info->slots >= 0);
      }
      (void)parse_version(body);
      break;
    default: {
      const std::string line = error_message(body);
      require(line.size() <= 300 && line.find('\n') == std::string::npos && !hre::find_invalid_utf8(line));
    }
  }
  return 0;
}
