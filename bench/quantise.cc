// Writes a GGUF model in another type of weights, by libllama: of quantisation.py.
//   bench_quantise MODEL.gguf OUT.gguf TYPE        TYPE: F32, F16, BF16, Q8_0, Q4_K_M, Q4_0 or IQ4_XS
#include <fmt/format.h>
#include <llama.h>

#include <cstdio>
#include <map>
#include <string>

int main(int argc, char** argv) {
  static const std::map<std::string, llama_ftype> kTypes = {
      {"F32", LLAMA_FTYPE_ALL_F32},         {"F16", LLAMA_FTYPE_MOSTLY_F16},       {"BF16", LLAMA_FTYPE_MOSTLY_BF16},
      {"Q8_0", LLAMA_FTYPE_MOSTLY_Q8_0},    {"Q4_K_M", LLAMA_FTYPE_MOSTLY_Q4_K_M}, {"Q4_0", LLAMA_FTYPE_MOSTLY_Q4_0},
      {"IQ4_XS", LLAMA_FTYPE_MOSTLY_IQ4_XS}};
  if (argc != 4 || !kTypes.contains(argv[3])) {
    fmt::print(stderr, "bench_quantise MODEL.gguf OUT.gguf F32|F16|BF16|Q8_0|Q4_K_M|Q4_0|IQ4_XS\n");
    return 2;
  }
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.ftype = kTypes.at(argv[3]);
  params.allow_requantize = true;
  return llama_model_quantize(argv[1], argv[2], &params) == 0 ? 0 : 1;
}
