#include "net/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/test_server.h"

namespace hre::net {
namespace {

using std::chrono::milliseconds;

/// Keeps the waits instead of waiting.
struct Waits {
  std::vector<milliseconds> all;
  Sleep sleep = [this](milliseconds time, const std::stop_token& stop) {
    all.push_back(time);
    return !stop.stop_requested();
  };
};

TEST(RetryWait, DoublesUpToItsBound) {
  const RetryPolicy policy{.attempts = 100, .first_wait = milliseconds(100), .longest_wait = milliseconds(1000)};
  EXPECT_EQ(milliseconds(100), retry_wait(policy, 0, {}, 1));
  EXPECT_EQ(milliseconds(50), retry_wait(policy, 0, {}, 0));
  EXPECT_EQ(milliseconds(400), retry_wait(policy, 2, {}, 1));
  EXPECT_EQ(milliseconds(1000), retry_wait(policy, 5, {}, 1));
  EXPECT_EQ(milliseconds(1000), retry_wait(policy, 98, {}, 1));
  EXPECT_EQ(std::nullopt, retry_wait(policy, 99, {}, 1));
}

TEST(RetryWait, WaitsAsLongAsTheServerAsks) {
  const RetryPolicy policy{.attempts = 3, .first_wait = milliseconds(100), .longest_wait = milliseconds(5000)};
  EXPECT_EQ(milliseconds(5000), retry_wait(policy, 0, milliseconds(5000), 1));
  EXPECT_EQ(milliseconds(100), retry_wait(policy, 0, milliseconds(0), 1));
  EXPECT_EQ(std::nullopt, retry_wait(policy, 0, milliseconds(5001), 1));
}

TEST(RetryAfter, SecondsDatesAndNonsense) {
  const auto asked = [](const std::string& value) {
    HttpResponse response;
    response.headers = {{"retry-after", value}};
    return retry_after(response);
  };
  EXPECT_EQ(milliseconds(7000), asked("7"));
  EXPECT_EQ(milliseconds(0), asked("-7"));
  EXPECT_EQ(milliseconds(0), asked("Wed, 21 Oct 2015 07:28:00 GMT"));
  EXPECT_GT(*asked("Wed, 21 Oct 2093 07:28:00 GMT"), milliseconds(1000));
  EXPECT_EQ(std::nullopt, asked("soon"));
  EXPECT_EQ(std::nullopt, asked(""));
  EXPECT_EQ(std::nullopt, asked("99999999999999999999999999"));
  EXPECT_EQ(std::nullopt, retry_after(HttpResponse{}));
}

TEST(TransientStatus, Table) {
  for (const int status : {408, 424, 425, 429, 500, 502, 503, 504, 529})
    EXPECT_TRUE(is_transient_status(status)) << status;
  for (const int status : {200, 301, 400, 401, 403, 404, 422, 501, 505})
    EXPECT_FALSE(is_transient_status(status)) << status;
}

TEST(Send, TriesAgainUntilItWorks) {
  std::atomic<int> n = 0;
  const TestServer server([&](const std::string&) {
    switch (n++) {
      case 0:
        return reply(503, "");
      case 1:
        return reply(429, "", "Retry-After: 3\r\n");
      case 2:
        return Reply{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", true};
      default:
        return reply(200, "yes");
    }
  });
  HttpClient client;
  Waits waits;
  const auto response = send(client, get(server.url()), {.first_wait = milliseconds(100)}, {}, waits.sleep);
  ASSERT_TRUE(response);
  EXPECT_EQ("yes", response->body);
  ASSERT_EQ(3U, waits.all.size());
  EXPECT_GE(waits.all[0], milliseconds(50));
  EXPECT_LE(waits.all[0], milliseconds(100));
  EXPECT_EQ(milliseconds(3000), waits.all[1]);
}

TEST(Send, GivesUpWithTheLastAnswer) {
  const TestServer server([](const std::string&) { return reply(503, "sorry"); });
  HttpClient client;
  Waits waits;
  const auto response = send(client, get(server.url()), {.attempts = 3}, {}, waits.sleep);
  ASSERT_TRUE(response);
  EXPECT_EQ(503, response->status);
  EXPECT_EQ("sorry", response->body);
  EXPECT_EQ(3U, server.requests().size());
}

TEST(Send, FinalAnswersAreFinal) {
  const TestServer server([](const std::string&) { return reply(401, ""); });
  HttpClient client;
  Waits waits;
  EXPECT_EQ(401, send(client, get(server.url()), {}, {}, waits.sleep).value().status);
  EXPECT_TRUE(waits.all.empty());
}

TEST(Send, StopsWhileItWaits) {
  std::stop_source stop;
  const TestServer server([&](const std::string&) { return reply(503, "", "Retry-After: 50\r\n"); });
  HttpClient client;
  const Sleep stopped = [&](milliseconds time, const std::stop_token& token) {
    stop.request_stop();
    return sleep_unless_stopped(time, token);
  };
  const auto response = send(client, get(server.url()), {}, stop.get_token(), stopped);
  ASSERT_FALSE(response);
  EXPECT_EQ(ErrorCode::kInterrupted, response.error().code);
}

}  // namespace
}  // namespace hre::net
