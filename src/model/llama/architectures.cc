#include "model/llama/architectures.h"

#include <algorithm>
#include <iterator>

namespace hre {
namespace {

// As tools/models/prove.py found them; tests/test_models.py has the values of those that are equal.
constexpr std::string_view kEqual[] = {
    "bloom",     "chatglm",    "cohere2",  "command-r", "deepseek2", "ernie4_5",  "exaone4",    "falcon",
    "falcon-h1", "gemma",      "gemma2",   "gemma3",    "glm4",      "gpt-oss",   "gpt2",       "gptneox",
    "granite",   "granitemoe", "jamba",    "lfm2",      "llama",     "mamba",     "mamba2",     "mpt",
    "nemotron",  "olmo",       "olmo2",    "olmoe",     "phi2",      "phi3",      "qwen2",      "qwen2moe",
    "qwen3",     "qwen3moe",   "seed_oss", "smollm3",   "stablelm",  "starcoder", "starcoder2", "t5",
};
constexpr std::string_view kDiffers[] = {"granitehybrid", "phimoe"};

template <size_t n>
bool has(const std::string_view (&names)[n], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

Proof proof_of(std::string_view architecture) {
  return has(kEqual, architecture) ? Proof::kEqual : has(kDiffers, architecture) ? Proof::kDiffers : Proof::kNone;
}

}  // namespace hre
