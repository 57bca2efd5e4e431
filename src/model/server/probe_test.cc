#include "model/server/probe.h"

#include <gmock/gmock.h>

namespace hre::server {
namespace {

/// A tokenizer that answers otherwise the second time.
TEST(Probe, ATokenizerThatMakesNothingOfATextIsAnError) {
  Profile profile;
  profile.tokenize_path = "/tokenize";
  int asked = 0;
  const Ask ask = [&](const Request&) -> Result<Reply> {
    Reply reply;
    reply.status = 200;
    reply.body = asked++ == 0 ? R"({"tokens": []})" : R"({"tokens": [1, 2]})";
    return reply;
  };
  const auto bos = ask_bos(profile, ask);
  ASSERT_FALSE(bos);
  EXPECT_THAT(bos.error().message, testing::HasSubstr("returns no tokens for a text"));
}

}  // namespace
}  // namespace hre::server
