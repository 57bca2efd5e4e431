#include "model/llama/gelu.h"

#include <gtest/gtest.h>

namespace hre {
namespace {

GgufHeader header_of(const std::string& architecture, const std::string& stated) {
  GgufHeader header;
  header.values["general.architecture"] = architecture;
  if (!stated.empty()) header.values[architecture + ".hidden_activation"] = stated;
  return header;
}

TEST(GeluForm, IsWhatTheFileStates) {
  for (const char* architecture : {"gpt2", "gptneox", "falcon", "starcoder2"}) {
    for (const char* erf : {"gelu", "gelu_python"}) {
      const auto form = gelu_form(header_of(architecture, erf), "m.gguf");
      ASSERT_TRUE(form);
      EXPECT_TRUE(form->is_erf && !form->is_assumed) << architecture << ' ' << erf;
    }
    for (const char* tanh : {"gelu_new", "gelu_fast", "gelu_pytorch_tanh"}) {
      const auto form = gelu_form(header_of(architecture, tanh), "m.gguf");
      ASSERT_TRUE(form);
      EXPECT_TRUE(!form->is_erf && !form->is_assumed) << architecture << ' ' << tanh;
    }
  }
}

TEST(GeluForm, IsItsArchitecturesWhereTheFileStatesNone) {
  const auto of = [](const char* architecture) { return *gelu_form(header_of(architecture, ""), "m.gguf"); };
  EXPECT_TRUE(of("gptneox").is_erf && of("gptneox").is_assumed);
  EXPECT_TRUE(!of("gpt2").is_erf && of("gpt2").is_assumed);
  EXPECT_TRUE(of("mpt").is_erf && !of("mpt").is_assumed);
  EXPECT_TRUE(!of("gemma2").is_erf && !of("gemma2").is_assumed);
  EXPECT_TRUE(!of("llama").is_erf && !of("llama").is_assumed);
}

TEST(GeluForm, RefusesWhatLibllamaWouldReplace) {
  const auto form = gelu_form(header_of("gpt2", "relu"), "m.gguf");
  ASSERT_FALSE(form);
  EXPECT_NE(form.error().text().find("states the activation relu, but libllama computes GELU for gpt2"),
            std::string::npos);
  EXPECT_TRUE(gelu_form(header_of("llama", "silu"), "m.gguf"));
}

}  // namespace
}  // namespace hre
