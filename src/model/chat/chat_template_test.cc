#include "model/chat/chat_template.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace hre {
namespace {

const std::string kFolder = HRE_SOURCE_DIR "/tests/data/chat/";

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

ChatTemplate parsed(const std::string& text) {
  auto result = ChatTemplate::parse(text, {{"bos_token", "<s>"}, {"eos_token", "</s>"}});
  if (!result) ADD_FAILURE() << result.error().text();
  return *result;
}

TEST(ChatTemplate, RendersAsTransformersDoes) {
  const auto cases = nlohmann::json::parse(contents(kFolder + "expected.json"));
  ASSERT_EQ(cases.size(), 48u);
  for (const auto& expected : cases) {
    const auto prompt = parsed(contents(kFolder + expected["template"].get<std::string>()))
                            .render(expected["system"].get<std::string>(), expected["user"].get<std::string>());
    ASSERT_TRUE(prompt) << expected["template"] << prompt.error().text();
    EXPECT_EQ(*prompt, expected["prompt"].get<std::string>()) << expected["template"];
  }
}

TEST(ChatTemplate, WhiteSpaceBeforeTheReplyGoesToTheAnswer) {
  const auto llama2 = parsed(contents(kFolder + "llama2.jinja")).apply({"Why?", {"Because.", "No."}}, "");
  ASSERT_TRUE(llama2);
  EXPECT_EQ(llama2->context, "<s>[INST] Why? [/INST]");
  EXPECT_EQ(llama2->continuations, (std::vector<std::string>{" Because.", " No."}));
  const auto chatml = parsed(contents(kFolder + "chatml.jinja")).apply({"Why?", {"Because."}}, "Be brief.");
  ASSERT_TRUE(chatml);
  EXPECT_EQ(chatml->context,
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(chatml->continuations, (std::vector<std::string>{"Because."}));
}

TEST(ChatTemplate, RefusesWhatIsNoTemplate) {
  for (const std::string& text : {std::string("{% if %}"), std::string("{{ 1 +"), std::string(2 << 20, 'x'),
                                  "{{ " + std::string(100000, '(') + " }}", std::string("{% for x in y %}")}) {
    EXPECT_FALSE(ChatTemplate::parse(text, {})) << text.substr(0, 40);
  }
  const auto refuses = parsed("{{ raise_exception('no system message') }}").render("", "Why?");
  ASSERT_FALSE(refuses);
  EXPECT_EQ(refuses.error().code, ErrorCode::kInput);
}

}  // namespace
}  // namespace hre
