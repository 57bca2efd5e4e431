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
  EXPECT_EQ(refuses.error().message, "the chat template can't be rendered: no system message");
  EXPECT_FALSE(ChatTemplate::parse("x", {}, "2024-02-30"));
}

/// Templates that would overflow the stack, fill the memory or never end in a process that doesn't bound them.
TEST(ChatTemplate, AHostileTemplateEndsItsOwnProcessAlone) {
  const auto repeated = [](const std::string& text, size_t n) {
    std::string all;
    for (size_t i = 0; i < n; ++i) all += text;
    return all;
  };
  const std::string deep[] = {"{{ 1" + repeated("+1", 300000) + " }}", "{{ " + repeated("not ", 200000) + "x }}",
                              repeated("{% if x %}", 40000) + repeated("{% endif %}", 40000),
                              "{{ " + repeated("1 if x else ", 80000) + "2 }}"};
  for (const std::string& text : deep) {
    const auto deep_one = ChatTemplate::parse(text, {});
    const auto rendered =
        deep_one ? deep_one->render("", "Why?") : Result<std::string>(tl::unexpected<Error>(deep_one.error()));
    ASSERT_FALSE(rendered) << text.substr(0, 20);
    EXPECT_NE(rendered.error().message.find("nests too deeply"), std::string::npos) << rendered.error().message;
  }
  for (const std::string text :
       {"{% for i in range(1000000000000) %}{% endfor %}", "{{ ('x' * 1000000) | replace('x', 'y' * 1000000) }}",
        "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}"}) {
    EXPECT_FALSE(parsed(text).render("", "Why?")) << text;
  }
}

TEST(ChatTemplate, AnEndlessTemplateIsEndedAndTheNextQuestionIsRendered) {
  const auto endless = parsed(
      "{% if messages[0].content == 'loop' %}{% for i in range(9999) %}{% for k in range(9999) %}{% for l in "
      "range(9999) %}"
      "{% endfor %}{% endfor %}{% endfor %}{% endif %}done");
  const auto ended = endless.render("", "loop");
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().message, "the chat template can't be rendered: it needs more than 10 s for one question");
  EXPECT_EQ(*endless.render("", "Why?"), "done");
}

TEST(ChatTemplate, TheDateIsTheOneThatIsGiven) {
  const std::string text = "{{ strftime_now('%d %B %Y') }}";
  EXPECT_EQ(*parsed(text).render("", "Why?"), "26 July 2024");
  EXPECT_EQ(*ChatTemplate::parse(text, {}, "2031-01-02")->render("", "Why?"), "02 January 2031");
  EXPECT_TRUE(parsed(text).asks_for_date());
  EXPECT_FALSE(parsed("x").asks_for_date());
}

}  // namespace
}  // namespace hre
