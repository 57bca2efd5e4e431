#include "analysis/tokens.h"

#include <gtest/gtest.h>

namespace hre {
namespace {

AnswerResult answer_of(const std::string& text, std::vector<size_t> ends, std::vector<float> log_probs) {
  AnswerResult answer;
  answer.token_texts.text = text;
  for (const size_t end : ends) answer.token_texts.ends.push_back(static_cast<uint32_t>(end));
  answer.token_log_probs = std::move(log_probs);
  return answer;
}

// Of two vocabularies: pieces end where tokens of both do, and their differences add up to that of the answers.
TEST(Tokens, DifferencesStandBetweenCommonEnds) {
  const AnswerResult a = answer_of(" abcd", {2, 3, 5}, {-1, -2, -3});
  const AnswerResult b = answer_of("abcd", {2, 3, 4}, {-1.5, -0.5, -0.25});  // the space is the prompt's
  const TokenPieces both = token_differences(token_pieces(a), token_pieces(b));
  EXPECT_EQ(both.text, "abcd");
  ASSERT_EQ(both.pieces.size(), 2U);
  EXPECT_EQ(both.pieces[0].end, 2U);
  EXPECT_DOUBLE_EQ(both.pieces[0].nats, -1.5);
  EXPECT_EQ(both.pieces[1].end, 4U);
  EXPECT_DOUBLE_EQ(both.pieces[1].nats, -2.25);
}

TEST(Tokens, NoPiecesOfOtherTextsOrUnknownTokens) {
  const AnswerResult a = answer_of("abcd", {4}, {-1}), other = answer_of("abce", {4}, {-1}), unknown;
  EXPECT_TRUE(token_differences(token_pieces(a), token_pieces(other)).pieces.empty());
  EXPECT_TRUE(token_differences(token_pieces(a), token_pieces(unknown)).pieces.empty());
  EXPECT_TRUE(token_pieces(answer_of("abcd", {2, 4}, {-1})).pieces.empty()) << "as many texts as values are needed";
}

}  // namespace
}  // namespace hre
