#include "model/server/responses.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "model/server/address.h"
#include "model/server/alignment.h"
#include "model/server/concurrency.h"
#include "model/server/requests.h"

namespace hre::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Value = std::optional<float>;

std::string why(const auto& result) { return result ? "no error" : result.error().message; }

TEST(Responses, ChoicesAreOrderedByIndex) {
  const auto prompts = parse_completions(R"({"choices": [
      {"index": 1, "logprobs": {"token_logprobs": [null, -2], "tokens": ["token_id:7", "token_id:8"]}},
      {"index": 0, "logprobs": {"token_logprobs": [null, -1.5, -9999], "tokens": ["a", "b", "c"], "text_offset": [0, 1, null]}}]})");
  ASSERT_TRUE(prompts) << why(prompts);
  EXPECT_THAT((*prompts)[0].log_probs,
              ElementsAre(Value(), Value(-1.5F), Value(-std::numeric_limits<float>::infinity())));
  EXPECT_THAT((*prompts)[0].offsets, ElementsAre(0, 1, -1));
  EXPECT_THAT((*prompts)[0].texts, ElementsAre("a", "b", "c"));
  EXPECT_TRUE((*prompts)[0].ids.empty());
  EXPECT_THAT((*prompts)[1].ids, ElementsAre(7, 8));
}

TEST(Responses, PromptLogProbabilitiesOfVllm) {
  const auto prompts = parse_completions(
      R"({"choices": [{"index": 0, "logprobs": null, "prompt_logprobs": [null, {"12": {"logprob": -0.5, "rank": 1}}]}]})");
  ASSERT_TRUE(prompts) << why(prompts);
  EXPECT_THAT((*prompts)[0].ids, ElementsAre(-1, 12));
  EXPECT_THAT((*prompts)[0].log_probs, ElementsAre(Value(), Value(-0.5F)));
}

TEST(Responses, EchoOfVllmComesWithLikelierTokensBesideThoseSent) {
  const auto prompts = parse_completions(
      R"({"choices": [{"index": 0, "text": "<s>x", "logprobs": {"text_offset": [0, 10], "token_logprobs": [null, -12.5],
      "tokens": ["token_id:1", "token_id:65"], "top_logprobs": [null, {"token_id:65": -12.5, "token_id:7": -1.25}]},
      "prompt_logprobs": [null, {"65": {"logprob": -12.5, "rank": 1199, "decoded_token": "m"},
      "7": {"logprob": -1.25, "rank": 1, "decoded_token": "k "}}], "prompt_token_ids": null}]})");
  ASSERT_TRUE(prompts) << why(prompts);
  EXPECT_THAT((*prompts)[0].ids, ElementsAre(1, 65));
  EXPECT_THAT((*prompts)[0].log_probs, ElementsAre(Value(), Value(-12.5F)));
  EXPECT_THAT(why(parse_completions(R"({"choices": [{"index": 0, "logprobs": null, "prompt_logprobs":
      [null, {"65": {"logprob": -12.5}, "7": {"logprob": -1.25}}]}]})")),
              HasSubstr("does not hold one token"))
      << "which of them was sent is not said";
}

TEST(Responses, SglangAndTgi) {
  const auto sglang = parse_sglang(
      R"([{"meta_info": {"input_token_logprobs": [[null, 5, null], [-1, 6, " x"]], "output_token_logprobs": [[-2, 9, null]]}}])");
  ASSERT_TRUE(sglang) << why(sglang);
  EXPECT_THAT((*sglang)[0].ids, ElementsAre(5, 6));
  EXPECT_EQ((*sglang)[0].generated_log_prob, -2.0F);
  const auto tgi = parse_tgi(
      R"({"details": {"prefill": [{"id": 1, "logprob": null}, {"id": 2, "logprob": -3}], "tokens": [{"id": 4, "text": " t", "logprob": -1}]}})");
  ASSERT_TRUE(tgi) << why(tgi);
  EXPECT_THAT((*tgi)[0].ids, ElementsAre(1, 2));
  EXPECT_EQ((*tgi)[0].generated_text, " t");
}

TEST(Responses, SglangListsItsLastTokenAsNoughtAndInfinityAsNull) {
  const auto prompts = parse_sglang(
      R"({"meta_info": {"input_token_logprobs": [[null, 5, null], [null, 6, null], [-1, 0, null]],
      "output_token_logprobs": [[-2, 0, null]]}})");
  ASSERT_TRUE(prompts) << why(prompts);
  const Value infinite = -std::numeric_limits<float>::infinity();
  EXPECT_THAT((*prompts)[0].log_probs, ElementsAre(Value(), infinite, Value(-1.0F)));
  EXPECT_THAT((*prompts)[0].ids, ElementsAre(5, 6, -1));
  EXPECT_EQ((*prompts)[0].generated_id, 0);
}

TEST(Responses, WhatSglangGaveUpIsAnError) {
  EXPECT_THAT(why(parse_sglang(R"([{"text": "", "meta_info": {"finish_reason": {"type": "abort",
      "message": "Abort in waiting queue"}, "input_token_logprobs": []}}])")),
              HasSubstr("the server aborted the request: Abort in waiting queue"));
}

TEST(Responses, NamesCanBeShown) {
  const auto models =
      parse_models(R"({"data": [{"id": "m\u001b[31m\nx"}, {"id": ")" + std::string(5000, 'y') + "\"}]}");
  ASSERT_TRUE(models) << why(models);
  EXPECT_EQ(models->models[0], "m␛[31m x");
  EXPECT_EQ(models->models[1].size(), 300U);
  EXPECT_EQ(*parse_version(R"({"version": "1\r2"})"), "1 2");
  EXPECT_EQ(*parse_version(R"({"version": "1\u009b2J\u202e"})"), "1<U+009B>2J<U+202E>");
}

TEST(Responses, LengthsAreOfAPromptAndOneGeneratedToken) {
  EXPECT_EQ(parse_models(R"({"data": [{"id": "m", "max_model_len": 512}]})")->max_length, 512);
  const auto sglang =
      parse_sglang_server(R"({"version": "0.5.23", "max_req_input_len": 506, "internal_states": [{}]})");
  EXPECT_EQ(sglang->max_length, 506);
  EXPECT_EQ(sglang->version, "0.5.23");
  EXPECT_EQ(parse_tgi_info(R"({"model_id": "m", "max_input_tokens": 511, "max_total_tokens": 512})")->max_length, 512);
  EXPECT_EQ(parse_tgi_info(R"({"model_id": "m", "max_input_length": 400, "max_total_tokens": 512})")->max_length, 401);
  EXPECT_EQ(parse_tgi_info(R"({"model_id": "m", "max_total_tokens": 1e99})")->max_length, 0);
}

TEST(Responses, SayWhatIsWrong) {
  EXPECT_THAT(why(parse_completions("")), HasSubstr("it is empty"));
  EXPECT_THAT(why(parse_completions("<html>")), HasSubstr("not JSON"));
  EXPECT_THAT(why(parse_completions(std::string(100000, '['))), HasSubstr("nested more than 32 deep"));
  EXPECT_THAT(why(parse_completions(R"({"choices": []})")), HasSubstr("no choices"));
  EXPECT_THAT(why(parse_completions(R"({"choices": [{"index": 2}]})")), HasSubstr("out of range"));
  const std::string choice = R"({"index": 0, "logprobs": {"token_logprobs": [null]}})";
  EXPECT_THAT(why(parse_completions("{\"choices\": [" + choice + "," + choice + "]}")), HasSubstr("same index"));
  for (const char* value : {"\"x\"", "{}", "[]", "true", "1e400", "0.5"}) {
    EXPECT_THAT(why(parse_completions(R"({"choices": [{"index": 0, "logprobs": {"token_logprobs": [)" +
                                      std::string(value) + "]}}]}")),
                HasSubstr("the server's answer is not as expected"))
        << value;
  }
  EXPECT_THAT(why(parse_tgi(R"({"details": {"prefill": []}})")), HasSubstr("--enable-prefill-logprobs"));
  EXPECT_THAT(why(parse_tokens(R"({"tokens": [1, -1]})")), HasSubstr("a token id"));
  EXPECT_THAT(why(parse_tokens(R"({"tokens": [99999999999]})")), HasSubstr("a token id"));
}

TEST(Responses, ErrorMessagesAreOneShortLine) {
  EXPECT_EQ(error_message(R"({"error": {"message": "no\nway."}})"), "no way");
  EXPECT_EQ(error_message(R"({"error": "busy"})"), "busy");
  EXPECT_EQ(error_message(R"({"detail": [{"msg": "bad"}]})"), R"([{"msg":"bad"}])");
  EXPECT_EQ(error_message("plain \x1B[31m text"), "plain ␛[31m text");
  EXPECT_LE(error_message(std::string(100000, 'x')).size(), 300u);
  EXPECT_LE(error_message(std::string(300, '\x19')).size(), 300u);
  EXPECT_EQ(refusal(429, R"({"error": "Model is overloaded", "error_type": "overloaded"})"),
            "429: Model is overloaded");
  EXPECT_EQ(refusal(503, R"({"object": "error", "message": "full", "code": 503})"), "503: full");
  EXPECT_EQ(refusal(401, ""), "401");
}

ScoredPrompt listed(std::vector<Value> values) {
  ScoredPrompt prompt;
  prompt.log_probs = std::move(values);
  return prompt;
}

TEST(Alignment, IsFoundByTheFirstDifference) {
  // Tokens a b c d and a b x d: they differ in the third.
  const auto shift = [](std::vector<Value> first, std::vector<Value> second) {
    const auto found = find_alignment(listed(std::move(first)), listed(std::move(second)), 4, 4, 2);
    return found ? std::to_string(found->shift) : found.error().message;
  };
  const Value null;
  EXPECT_EQ(shift({null, -1, -2, -3}, {null, -1, -5, -4}), "0");
  EXPECT_EQ(shift({null, -1, -2, -3, -9}, {null, -1, -5, -4, -8}), "0") << "with a generated token";
  EXPECT_EQ(shift({null, -7, -1, -2, -3}, {null, -7, -1, -5, -4}), "1") << "with a token in front";
  EXPECT_EQ(shift({-1, -2, -3}, {-1, -5, -4}), "-1") << "without the first";
  EXPECT_EQ(shift({null, -1, -2, -3}, {null, -1.125F, -5, -4}), "0") << "of bfloat16 logits: a step of 0.125";
  EXPECT_THAT(shift({null, -2, -3, -9}, {null, -5, -4, -8}), HasSubstr("too early"));
  EXPECT_THAT(shift({null, -1, -2, -3}, {null, -1, -2, -3}), HasSubstr("two different texts"));
  EXPECT_THAT(shift({-7, -1, -2, -3}, {-7, -1, -5, -4}), HasSubstr("first token has a log-probability"));
  EXPECT_THAT(shift({null, -1, -2}, {null, -1, -5}), HasSubstr("for 4 tokens"));
  EXPECT_THAT(shift({null, -1, -2, -3}, {null, -2, -5, -4}), HasSubstr("too early"));
}

TEST(Alignment, TakesTheAnswersValues) {
  ScoredPrompt prompt = listed({Value(), -1.0F, -2.0F, -3.0F});
  const std::vector<Token> targets = {8, 9};
  EXPECT_THAT(*take_targets(prompt, {0}, 4, targets), ElementsAre(-2, -3));
  EXPECT_THAT(*take_targets(prompt, {1}, 3, targets), ElementsAre(-2, -3));
  EXPECT_FALSE(take_targets(prompt, {0}, 6, targets));
  prompt.ids = {6, 7, 8, 9};
  EXPECT_TRUE(take_targets(prompt, {0}, 4, targets));
  prompt.ids = {6, 7, 9, 8};
  EXPECT_THAT(why(take_targets(prompt, {0}, 4, targets)), HasSubstr("scored token 9, but 8 was sent"));
  prompt.ids = {6, 7, -1, 9};
  EXPECT_THAT(*take_targets(prompt, {0}, 4, targets), ElementsAre(-2, -3)) << "an id that the server does not tell";
  EXPECT_THAT(*take_last(listed({Value(), -2.0F, -3.0F}), targets), ElementsAre(-2, -3));
  EXPECT_THAT(*take_last(listed({-2.0F, -3.0F}), targets), ElementsAre(-2, -3)) << "old versions leave the first out";
  EXPECT_FALSE(take_last(listed({Value(), -3.0F}), targets)) << "a null in the answer";
  EXPECT_FALSE(take_last(listed({-3.0F}), targets));
  EXPECT_FALSE(take_last(listed({Value(), Value(), -2.0F, -3.0F}), targets));
}

/// "Q? été ab", and a token that was generated; offsets in code points or bytes.
ScoredPrompt with_offsets(std::vector<int64_t> offsets) {
  ScoredPrompt prompt = listed({Value(), -1.0F, -2.0F, -3.0F});
  prompt.texts = {"Q?", " été", " ab", "!"};
  prompt.offsets = std::move(offsets);
  return prompt;
}

TEST(Offsets, AreCountedInCodePointsOrBytes) {
  const std::string text = "Q? été ab";
  for (const bool in_bytes : {false, true}) {
    const ScoredPrompt prompt = in_bytes ? with_offsets({0, 2, 8, 11}) : with_offsets({0, 2, 6, 9});
    const auto rule = find_offset_rule(prompt, text);
    ASSERT_TRUE(rule);
    EXPECT_EQ(rule->in_bytes, in_bytes);
    EXPECT_TRUE(rule->by_texts);
    EXPECT_THAT(*take_from_offset(prompt, *rule, 2, text), ElementsAre(-1, -2));
    EXPECT_THAT(*take_from_offset(prompt, *rule, 3, text), ElementsAre(-2)) << "one that begins before the answer";
    EXPECT_FALSE(take_from_offset(prompt, {!in_bytes}, 2, text));
    EXPECT_FALSE(take_from_offset(prompt, *rule, 10, text));
    const TokenTexts texts = texts_from_offset(prompt, *rule, 2, text);
    EXPECT_EQ(texts.text, " été ab");
    EXPECT_THAT(texts.ends, ElementsAre(6U, 9U));
  }
}

TEST(Offsets, MayBeginBehindASpace) {
  // As llama-cpp-python lists them: parts of a character are empty, and the last of them moves on.
  ScoredPrompt prompt = listed({Value(), -1.0F, -2.0F, -3.0F, -4.0F, -5.0F, -6.0F, -7.0F});
  prompt.texts = {" ", "A", " é", " ", "", "", "", "."};
  prompt.offsets = {0, 1, 2, 4, 5, 5, 5, 6};
  const std::string text = "A é 東";
  const auto rule = find_offset_rule(prompt, text);
  ASSERT_TRUE(rule);
  EXPECT_TRUE(rule->after_space && rule->by_texts && !rule->in_bytes);
  EXPECT_THAT(*take_from_offset(prompt, *rule, 1, text), ElementsAre(-2, -3, -4, -5, -6));
  const TokenTexts texts = texts_from_offset(prompt, *rule, 1, text);
  EXPECT_EQ(texts.text, " é 東");
  EXPECT_EQ(texts.ends.size(), 5U);
  EXPECT_FALSE(take_from_offset(prompt, {}, 1, text));
}

TEST(Offsets, WithoutTheTextsTheGeneratedTokenTells) {
  ScoredPrompt prompt = with_offsets({0, 2, 8, 11});
  prompt.texts = {"Q?", " <0xC3><0xA9>t<0xC3><0xA9>", " ab", "!"};
  const auto rule = find_offset_rule(prompt, "Q? été ab");
  ASSERT_TRUE(rule);
  EXPECT_TRUE(rule->in_bytes);
  EXPECT_FALSE(rule->by_texts);
  prompt.log_probs.pop_back(), prompt.texts.pop_back(), prompt.offsets.pop_back();
  EXPECT_FALSE(find_offset_rule(prompt, "Q? été ab")) << "nothing tells";
  EXPECT_TRUE(take_from_offset(prompt, *rule, 2, "Q? été ab")) << "where the model ended the text";
}

TEST(Offsets, OfPartsOfCharactersAreRefused) {
  ScoredPrompt prompt = with_offsets({0, 2, 8, 11});
  prompt.texts = {"Q?", " \uFFFD\uFFFDt\uFFFD\uFFFD", " ab", "!"};
  prompt.offsets = {0, 2, 8, 11};  // their lengths as shown, added up: as many as bytes here
  EXPECT_TRUE(find_offset_rule(prompt, "Q? été ab"));
  prompt.texts[1] = " \uFFFDt\uFFFD\uFFFD";
  prompt.offsets = {0, 2, 7, 10};
  EXPECT_FALSE(find_offset_rule(prompt, "Q? été ab"));
  for (const std::vector<int64_t>& offsets :
       {std::vector<int64_t>{0, -1, 6, 9}, {0, 6, 2, 9}, {0, 2, 6, 1LL << 62}, {}}) {
    EXPECT_FALSE(find_offset_rule(with_offsets(offsets), "Q? été ab"));
    EXPECT_FALSE(take_from_offset(with_offsets(offsets), {}, 2, "Q? été ab"));
  }
}

TEST(Address, Parses) {
  const auto address = parse_address("server:http://a:1/v1/,https://b/x,model=m/n,api=sglang,tokenizer=t.gguf");
  ASSERT_TRUE(address) << why(address);
  EXPECT_THAT(address->urls, ElementsAre("http://a:1", "https://b/x"));
  EXPECT_EQ(address->model, "m/n");
  EXPECT_EQ(address->api, Api::kSglang);
  EXPECT_EQ(address->tokenizer, "t.gguf");
}

TEST(Responses, LlamaServersTokenIsTheOneThatItGenerated) {
  const auto generated = parse_llama(R"({"completion_probabilities": [{"id": 7, "token": " x", "bytes": [32, 120],
      "logprob": -12.5, "top_logprobs": [{"id": 9, "token": "", "bytes": [195], "logprob": -0.25},
      {"id": 8, "token": " y", "bytes": [32, 121], "logprob": -0.5}]}]})");
  ASSERT_TRUE(generated) << why(generated);
  ASSERT_TRUE(generated->token);
  EXPECT_EQ(generated->token->id, 7);
  EXPECT_EQ(generated->token->log_prob, -12.5F);
  ASSERT_EQ(generated->likeliest.size(), 2U);
  EXPECT_FALSE(generated->likeliest[0].is_text) << "half of a character";
  EXPECT_TRUE(generated->likeliest[1].is_text);
  const auto least = parse_llama(R"({"completion_probabilities": [{"id": 7, "logprob": -3.4028234663852886e+38}]})");
  ASSERT_TRUE(least) << why(least);
  EXPECT_EQ(least->token->log_prob, -std::numeric_limits<float>::infinity()) << "a probability of 0";
  EXPECT_EQ(least->n_computed, -1) << "not said";
  const auto counted = parse_llama(R"({"timings/prompt_n": 3})");
  ASSERT_TRUE(counted) << why(counted);
  EXPECT_EQ(counted->n_computed, 3);
  const auto nothing = parse_llama("{}");
  ASSERT_TRUE(nothing) << why(nothing);
  EXPECT_FALSE(nothing->token) << "a token that ends in the middle of a character";
  EXPECT_THAT(
      why(parse_llama(R"({"completion_probabilities": [{"content": " x", "probs": [{"tok_str": " x", "prob": 1}]}]})")),
      HasSubstr("a token id is not a whole number"))
      << "before December 2024";
  EXPECT_THAT(why(parse_llama(R"({"completion_probabilities": [{"id": 7}, {"id": 8}]})")),
              HasSubstr("does not hold one token"));
  EXPECT_THAT(why(parse_llama(R"({"completion_probabilities": [{"id": 7}]})")), HasSubstr("no logprob"));
  EXPECT_THAT(why(parse_llama("[]")), HasSubstr("no object"));
}

TEST(Requests, WhatASlotComputesOfAPrompt) {
  const std::vector<Token> cached = {1, 2, 3, 4}, nothing;
  EXPECT_EQ(n_to_compute(cached, std::vector<Token>{1, 2, 3, 4, 5}), 1);
  EXPECT_EQ(n_to_compute(cached, std::vector<Token>{1, 2, 9, 9, 9}), 3);
  EXPECT_EQ(n_to_compute(cached, cached), 1) << "the last one always";
  EXPECT_EQ(n_to_compute(cached, std::vector<Token>{1, 2}), 1);
  EXPECT_EQ(n_to_compute(nothing, cached), 4);
}

TEST(Responses, LlamaServersPages) {
  const auto props = parse_llama_props(
      R"({"default_generation_settings": {"n_ctx": 4096}, "total_slots": 4, "build_info": "b9999-abc", "bos_token": "<s>"})");
  ASSERT_TRUE(props) << why(props);
  EXPECT_EQ(props->slots, 4);
  EXPECT_EQ(props->max_length, 4096);
  EXPECT_EQ(props->version, "b9999-abc");
  EXPECT_THAT(why(parse_llama_props(R"({"role": "router"})")), HasSubstr("total_slots"));
  const auto weights = [](const char* meta) {
    const auto models =
        parse_models(std::string(R"({"data": [{"id": "m", "owned_by": "llamacpp", "meta": )") + meta + "}]}");
    return models ? models->weights : "no models";
  };
  EXPECT_NE(weights(R"({"n_params": 7, "ftype": "Q8_0"})"), weights(R"({"n_params": 7, "ftype": "Q4_0"})"));
  EXPECT_EQ(weights(R"({"n_ctx": 7, "ftype": "Q8_0"})"), weights(R"({"n_ctx": 8, "ftype": "Q8_0"})"));
}

TEST(ConcurrencyLimit, ShrinksOnceForRefusalsOfOneMoment) {
  ConcurrencyLimit limit(256);
  const int before = limit.limit();
  for (int i = 0; i < 10; ++i) limit.pushed_back(1.0, 0.5);
  EXPECT_EQ(limit.limit(), before * 7 / 10);
  limit.pushed_back(3.0, 2.0);
  EXPECT_LT(limit.limit(), before * 7 / 10);
  for (int i = 0; i < 100; ++i) limit.pushed_back(10.0 + i, 9.5 + i);
  EXPECT_EQ(limit.limit(), 1);
}

}  // namespace
}  // namespace hre::server
