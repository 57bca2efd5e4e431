#include "eval/prompt.h"

#include <gmock/gmock.h>

namespace hre {
namespace {

using testing::HasSubstr;

Question example() { return {"t/0", "t", "Why {answer}?", {{"Because.", 1}, {"", 2}}}; }

TEST(PromptTemplate, ThePublishedPrompt) {
  const auto prompt = PromptTemplate::parse("Question: {question}\nAnswer: {answer}");
  ASSERT_TRUE(prompt);
  const ScoringRequest request = prompt->render(example());
  EXPECT_EQ(request.context, "Question: Why {answer}?\nAnswer:") << "what a question holds is no template";
  EXPECT_EQ(request.continuations, (std::vector<std::string>{" Because.", " "}));
}

TEST(PromptTemplate, OtherShapes) {
  EXPECT_EQ(PromptTemplate::parse("{question}\n{answer}\n")->render(example()).context, "Why {answer}?\n");
  EXPECT_EQ(PromptTemplate::parse("{{answer}} {x y} {\"a\": 1} }} {answer}")->render(example()).context,
            "{answer} {x y} {\"a\": 1} }");
  EXPECT_EQ(PromptTemplate::parse("  {answer}")->render(example()).context, "");
  EXPECT_EQ(PromptTemplate::parse("  {answer}")->render(example()).continuations[0], "  Because.");
  EXPECT_EQ(PromptTemplate::parse("{question}{question}{answer}")->render(example()).context,
            "Why {answer}?Why {answer}?");
}

TEST(PromptTemplate, SaysWhatIsWrong) {
  EXPECT_THAT(PromptTemplate::parse("Q: {quesiton} {answer}").error().text(), HasSubstr("did you mean {question}?"));
  EXPECT_THAT(PromptTemplate::parse("").error().text(), HasSubstr("{answer} is missing"));
  EXPECT_THAT(PromptTemplate::parse("{question}").error().text(), HasSubstr("{answer} is missing"));
  EXPECT_THAT(PromptTemplate::parse("{answer} done").error().text(), HasSubstr("text after {answer}"));
  EXPECT_THAT(PromptTemplate::parse("{answer}{answer}").error().text(), HasSubstr("text after {answer}"));
  EXPECT_THAT(PromptTemplate::parse("\xFF{answer}").error().text(), HasSubstr("invalid UTF-8 at byte 0"));
}

}  // namespace
}  // namespace hre
