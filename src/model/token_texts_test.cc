#include <gmock/gmock.h>

#include <random>

#include "core/text.h"
#include "hre/scorer.h"

namespace hre {
namespace {

using testing::ElementsAre;

std::vector<std::string> parts(const std::vector<std::string>& pieces) {
  const TokenTexts texts = token_texts(pieces);
  std::vector<std::string> all;
  for (size_t i = 0; i < texts.ends.size(); ++i) all.emplace_back(texts.part(i));
  return all;
}

TEST(TokenTexts, KeepsWholeCharacters) {
  EXPECT_THAT(parts({" a", "b", " é"}), ElementsAre(" a", "b", " é"));
  EXPECT_TRUE(parts({}).empty());
}

TEST(TokenTexts, GivesACharacterToTheTokenThatCompletesIt) {
  EXPECT_THAT(parts({"a\xF0\x9F", "\x98", "\x80z"}), ElementsAre("a", "", "😀z"));
}

TEST(TokenTexts, ReplacesWhatIsNoText) {
  EXPECT_THAT(parts({"\xFFz", "\xC3"}), ElementsAre("�z", "�"));
  EXPECT_THAT(parts({"\xE2\x82", "x"}), ElementsAre("", "��x"));
  EXPECT_THAT(parts({"\xED\xA0\x80"}), ElementsAre("���"));  // a surrogate
}

TEST(TokenTexts, JoinsToTheTextHoweverItIsCut) {
  const unsigned seed = 7;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string text = "Größe 漢字 😀 e\xCC\x81, plain";
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> pieces(1);
    for (const char byte : text) {
      pieces.back() += byte;
      if (random() % 3 == 0) pieces.emplace_back();
    }
    const TokenTexts texts = token_texts(pieces);
    EXPECT_EQ(texts.text, text);
    ASSERT_EQ(texts.ends.size(), pieces.size());
    for (size_t i = 0; i < pieces.size(); ++i) EXPECT_FALSE(find_invalid_utf8(texts.part(i)));
  }
}

}  // namespace
}  // namespace hre
