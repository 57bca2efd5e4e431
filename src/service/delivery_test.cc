#include "service/delivery.h"

#include <gmock/gmock.h>

#include "net/test_server.h"

namespace hre::service {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(RunCommand, GetsTheTextAndTheVariables) {
  std::vector<std::string> lines;
  const auto take = [&](const std::string& line) { lines.push_back(line); };
  EXPECT_TRUE(run_command("cat; echo; echo \"$HRE_STEP\" | tr 1 2", "{\"a\": 1}", {"HRE_STEP=100"}, milliseconds(10000),
                          take, {}));
  EXPECT_THAT(lines, ElementsAre("{\"a\": 1}", "200"));
}

TEST(RunCommand, TellsHowItFailed) {
  const auto failed =
      run_command("echo first >&2; echo why >&2; exit 3", "x", {}, milliseconds(10000), [](const auto&) {}, {});
  EXPECT_THAT(failed.error().text(), HasSubstr("ended with status 3: why"));
}

TEST(RunCommand, IsEndedWithItsChildren) {
  const auto begin = std::chrono::steady_clock::now();
  const auto failed = run_command("sleep 60 & sleep 60; true", "x", {}, milliseconds(200), [](const auto&) {}, {});
  EXPECT_THAT(failed.error().text(), HasSubstr("did not end within 0.2 s"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST(RunCommand, EndsWhenStopped) {
  std::stop_source stop;
  stop.request_stop();
  const auto failed = run_command(
      "sleep 60", "x", {}, milliseconds(60000), [](const auto&) {}, stop.get_token());
  EXPECT_EQ(failed.error().code, ErrorCode::kInterrupted);
}

TEST(PostJson, PostsAndRepeats) {
  std::atomic<int> n = 0;
  net::TestServer server(
      [&](const std::string&) { return ++n == 1 ? net::reply(503, "later") : net::reply(200, "ok"); });
  net::HttpClient client;
  EXPECT_TRUE(post_json(client, server.url("/hook"), R"({"step":5})", {}));
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_THAT(requests[1], HasSubstr("POST /hook "));
  EXPECT_THAT(requests[1], HasSubstr("application/json"));
  EXPECT_THAT(requests[1], HasSubstr(R"({"step":5})"));
}

TEST(PostJson, TellsWhyNot) {
  net::TestServer server([](const std::string&) { return net::reply(404, "no"); });
  net::HttpClient client;
  const auto failed = post_json(client, server.url("/hook?token=secret"), "{}", {});
  EXPECT_THAT(failed.error().text(), HasSubstr("answered with status 404"));
  EXPECT_THAT(failed.error().text(), testing::Not(HasSubstr("secret")));
  EXPECT_EQ(server.requests().size(), 1U);
}

}  // namespace
}  // namespace hre::service
