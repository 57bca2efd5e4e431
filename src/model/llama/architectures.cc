#include "model/llama/architectures.h"

#include <algorithm>
#include <iterator>

namespace hre {
namespace {

// As found by tools/models/prove.py; tests/test_models.py checks the values of the equal ones.
constexpr std::string_view kEqual[] = {
    "bloom",     "chatglm",    "cohere2",  "command-r", "deepseek2", "ernie4_5",  "exaone4",    "falcon",
    "falcon-h1", "gemma",      "gemma2",   "gemma3",    "glm4",      "gpt-oss",   "gpt2",       "gptneox",
    "granite",   "granitemoe", "jamba",    "lfm2",      "llama",     "mamba",     "mamba2",     "mpt",
    "nemotron",  "olmo",       "olmo2",    "olmoe",     "phi2",      "phi3",      "qwen2",      "qwen2moe",
    "qwen3",     "qwen3moe",   "seed_oss", "smollm3",   "stablelm",  "starcoder", "starcoder2", "t5",
};
constexpr std::string_view kDiffers[] = {"granitehybrid", "phimoe"};

constexpr std::string_view kWithState[] = {
    "arwkv7",     "deepseek4",  "falcon-h1", "granitehybrid",  "jamba",  "kimi-k3", "kimi-linear",
    "lfm2",       "lfm2moe",    "mamba",     "mamba2",         "plamo2", "qwen35",  "qwen35moe",
    "minimax-01", "nemotron_h", "qwen3next", "nemotron_h_moe", "rwkv6",  "rwkv7",   "rwkv6qwen2",
};
constexpr std::string_view kWithEncoder[] = {"dflash", "eagle3", "t5", "t5encoder"};
constexpr std::string_view kWithWindow[] = {
    "afmoe",   "cohere2",     "cohere2moe",   "deepseek4",       "dflash",           "exaone-moe",   "exaone4",
    "gemma2",  "gemma3",      "gemma3n",      "gemma4",          "laguna",           "lfm2",         "lfm2moe",
    "llama4",  "mellum",      "mimo2",        "olmo2",           "plamo3",           "smallthinker", "step35",
    "gpt-oss", "modern-bert", "muse-glimmer", "gemma-embedding", "gemma4-assistant",
};
constexpr std::string_view kWithAlibi[] = {"baichuan", "bloom", "jais", "mpt", "refact"};

template <size_t n>
bool has(const std::string_view (&names)[n], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

Proof proof_of(std::string_view architecture) {
  return has(kEqual, architecture) ? Proof::kEqual : has(kDiffers, architecture) ? Proof::kDiffers : Proof::kNone;
}

ArchitectureTraits traits_of(std::string_view architecture) {
  return {has(kWithState, architecture), has(kWithEncoder, architecture), has(kWithWindow, architecture),
          has(kWithAlibi, architecture)};
}

}  // namespace hre
