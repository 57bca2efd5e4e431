#include "net/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/test_server.h"

namespace hre::net {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

bool asks_for(const std::string& request, const std::string& path) {
  return request.find(" " + path + " ") != std::string::npos;
}

TEST(HttpClient, GivesStatusHeadersAndBody) {
  const TestServer server(
      [](const std::string&) { return reply(404, "no such thing", "X-Error-Code: EntryNotFound\r\nEmpty:\r\n"); });
  HttpClient client;
  const HttpResult response = client.exchange(get(server.url("/a?b=c")), {});
  ASSERT_TRUE(response) << response.error().error.text();
  EXPECT_EQ(404, response->status);
  EXPECT_EQ("no such thing", response->body);
  EXPECT_EQ("EntryNotFound", response->header("x-error-code"));
  EXPECT_EQ("", response->header("empty"));
  EXPECT_EQ(std::nullopt, response->header("etag"));
  EXPECT_THAT(server.requests().at(0), HasSubstr("GET /a?b=c HTTP/1.1"));
}

TEST(HttpClient, KeepsItsConnection) {
  const TestServer server([](const std::string&) { return reply(200, "yes"); });
  HttpClient client;
  for (int i = 0; i < 5; ++i) ASSERT_EQ("yes", client.exchange(get(server.url()), {}).value().body);
  EXPECT_EQ(1, server.connections());
}

TEST(HttpClient, ThreadsGetAConnectionEach) {
  const TestServer server([](const std::string&) { return reply(200, "yes"); });
  HttpClient client;
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 10; ++k) good += client.exchange(get(server.url()), {}).value().body == "yes" ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(40, good);
  EXPECT_LE(server.connections(), 4);
}

TEST(HttpClient, PostsABody) {
  const TestServer server([](const std::string&) { return reply(200, "{}"); });
  HttpClient client;
  HttpRequest request = get(server.url("/v1/completions"));
  request.method = "POST";
  request.headers = {{"Content-Type", "application/json"}};
  request.body = std::string("{\"prompt\": \"a\0b\"}", 18);
  ASSERT_TRUE(client.exchange(request, {}));
  const std::string seen = server.requests().at(0);
  EXPECT_THAT(seen, HasSubstr("POST /v1/completions HTTP/1.1"));
  EXPECT_THAT(seen, HasSubstr("Content-Type: application/json"));
  EXPECT_THAT(seen, Not(HasSubstr("Expect")));
  EXPECT_TRUE(seen.ends_with(request.body));
}

TEST(HttpClient, HeadHasNoBody) {
  const TestServer server(
      [](const std::string&) { return Reply{"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nETag: \"x\"\r\n\r\n"}; });
  HttpClient client;
  HttpRequest request = get(server.url());
  request.method = "HEAD";
  const HttpResult response = client.exchange(request, {});
  ASSERT_TRUE(response);
  EXPECT_EQ("\"x\"", response->header("etag"));
}

TEST(HttpClient, TokenStaysWithItsHost) {
  const TestServer other([](const std::string&) { return reply(200, "there"); });
  const TestServer hub([&](const std::string& request) {
    if (asks_for(request, "/here")) return reply(302, "", "Location: /again\r\n");
    if (asks_for(request, "/again")) return reply(307, "", "Location: " + other.url("/file?signature=s") + "\r\n");
    return reply(500, "");
  });
  HttpClient client;
  HttpRequest request = get(hub.url("/here"));
  request.bearer_token = "secret";
  request.headers = {{"Cookie", "crumb"}, {"X-Plain", "p"}};
  const HttpResult response = client.exchange(request, {});
  ASSERT_TRUE(response) << response.error().error.text();
  EXPECT_EQ("there", response->body);
  EXPECT_EQ(other.url("/file?signature=s"), response->url);
  ASSERT_EQ(2U, hub.requests().size());
  for (const std::string& seen : hub.requests()) EXPECT_THAT(seen, HasSubstr("Authorization: Bearer secret"));
  ASSERT_EQ(1U, other.requests().size());
  EXPECT_THAT(other.requests()[0], Not(HasSubstr("secret")));
  EXPECT_THAT(other.requests()[0], Not(HasSubstr("crumb")));
  EXPECT_THAT(other.requests()[0], HasSubstr("X-Plain: p"));
}

TEST(HttpClient, TokenStaysBehindWhereOnlyThePortDiffers) {
  // Covered by the two servers above, which differ in nothing else; and it doesn't come back on the way back.
  std::string back;
  const TestServer other([&](const std::string&) { return reply(302, "", "Location: " + back + "\r\n"); });
  const TestServer hub([&](const std::string& request) {
    return asks_for(request, "/back") ? reply(200, "") : reply(302, "", "Location: " + other.url() + "\r\n");
  });
  back = hub.url("/back");
  HttpClient client;
  HttpRequest request = get(hub.url("/first"));
  request.bearer_token = "secret";
  ASSERT_TRUE(client.exchange(request, {}));
  EXPECT_THAT(hub.requests().at(0), HasSubstr("secret"));
  EXPECT_THAT(hub.requests().at(1), Not(HasSubstr("secret")));
}

TEST(HttpClient, RedirectsAsFarAsAllowed) {
  const TestServer other([](const std::string&) { return reply(200, "there"); });
  const TestServer hub([&](const std::string& request) {
    if (asks_for(request, "/here")) return reply(307, "", "Location: /again\r\n");
    return reply(302, "", "Location: " + other.url("/file") + "\r\nX-Linked-Size: 5\r\n");
  });
  HttpClient client;
  HttpRequest request = get(hub.url("/here"));
  request.redirects = Redirects::kSameHost;
  const HttpResult same = client.exchange(request, {});
  ASSERT_TRUE(same);
  EXPECT_EQ(302, same->status);
  EXPECT_EQ("5", same->header("x-linked-size"));
  EXPECT_EQ(hub.url("/again"), same->url);
  request.redirects = Redirects::kNone;
  EXPECT_EQ(307, client.exchange(request, {}).value().status);
  EXPECT_TRUE(other.requests().empty());
}

TEST(HttpClient, EndlessRedirect) {
  const TestServer server([](const std::string&) { return reply(301, "", "Location: /\r\n"); });
  HttpClient client;
  const HttpResult response = client.exchange(get(server.url()), {});
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().error.message, HasSubstr("more than ten times"));
  EXPECT_FALSE(response.error().transient);
  EXPECT_EQ(11U, server.requests().size());
}

TEST(HttpClient, RedirectToWhatIsNoWebAddress) {
  const TestServer server([](const std::string&) { return reply(302, "", "Location: file:///etc/passwd\r\n"); });
  HttpClient client;
  const HttpResult response = client.exchange(get(server.url()), {});
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().error.message, HasSubstr("not an http or https address"));
}

TEST(HttpClient, BodiesAreBounded) {
  const TestServer server([](const std::string&) { return reply(200, std::string(5000, 'x')); });
  HttpClient client;
  HttpRequest request = get(server.url());
  request.max_body = 4999;
  const HttpResult response = client.exchange(request, {});
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().error.message, HasSubstr("longer than 4999 bytes"));
  request.max_body = 5000;
  EXPECT_TRUE(client.exchange(request, {}));
}

TEST(HttpClient, HeadersAreBounded) {
  const TestServer server([](const std::string&) {
    std::string headers;
    for (int i = 0; i < 300; ++i) headers += "X: " + std::string(8000, 'x') + "\r\n";
    return reply(200, "", headers);
  });
  HttpClient client;
  EXPECT_FALSE(client.exchange(get(server.url()), {}));
}

TEST(HttpClient, SinkTakesTheBodyOfSuccessAlone) {
  const TestServer server([](const std::string& request) {
    return asks_for(request, "/good") ? reply(206, std::string(100000, 'x'), "Content-Range: bytes 0-99999/100000\r\n")
                                      : reply(416, "no");
  });
  HttpClient client;
  size_t taken = 0;
  HttpRequest request = get(server.url("/good"));
  request.max_body = 10;
  request.sink = [&](const HttpResponse& head, std::string_view bytes) -> Status {
    EXPECT_EQ(206, head.status);
    EXPECT_EQ("bytes 0-99999/100000", head.header("content-range"));
    taken += bytes.size();
    return {};
  };
  const HttpResult good = client.exchange(request, {});
  ASSERT_TRUE(good) << good.error().error.text();
  EXPECT_EQ("", good->body);
  EXPECT_EQ(100000U, taken);
  request.url = server.url("/bad");
  EXPECT_EQ("no", client.exchange(request, {}).value().body);
  EXPECT_EQ(100000U, taken);
}

TEST(HttpClient, SinkEndsTheExchange) {
  const TestServer server([](const std::string&) { return reply(200, std::string(100000, 'x')); });
  HttpClient client;
  HttpRequest request = get(server.url());
  request.sink = [](const HttpResponse&, std::string_view) -> Status { return fail(ErrorCode::kFailed, "disk full"); };
  const HttpResult response = client.exchange(request, {});
  ASSERT_FALSE(response);
  EXPECT_EQ("disk full", response.error().error.message);
  EXPECT_FALSE(response.error().transient);
  request.sink = nullptr;
  EXPECT_TRUE(client.exchange(request, {})) << "the client goes on working";
}

TEST(HttpClient, TransientFailures) {
  const TestServer server([](const std::string& request) {
    if (asks_for(request, "/half")) return Reply{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", true};
    if (asks_for(request, "/closed")) return Reply{"", true};
    return Reply{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", false, true};
  });
  HttpClient client;
  for (const char* path : {"/half", "/closed", "/silent"}) {
    SCOPED_TRACE(path);
    HttpRequest request = get(server.url(path));
    request.timeouts.silence = milliseconds(200);
    const HttpResult response = client.exchange(request, {});
    ASSERT_FALSE(response);
    EXPECT_TRUE(response.error().transient) << response.error().error.text();
    EXPECT_EQ(ErrorCode::kFailed, response.error().error.code);
    EXPECT_EQ(server.url(path), response.error().error.where);
  }
}

TEST(HttpClient, SaysThatNothingCame) {
  const TestServer server([](const std::string&) { return Reply{"", false, true}; });
  HttpClient client;
  HttpRequest request = get(server.url("/?token=t"));
  request.timeouts.silence = milliseconds(150);
  EXPECT_EQ(server.url() + ": timed out: no data arrived for 150 ms; check the server and the network",
            client.exchange(request, {}).error().error.text());
  request.timeouts = {.total = milliseconds(150)};
  EXPECT_THAT(client.exchange(request, {}).error().error.message, HasSubstr("timed out"));
}

TEST(HttpClient, NobodyListens) {
  std::string url;
  {
    url = TestServer([](const std::string&) { return Reply{}; }).url();
  }
  HttpClient client;
  const HttpResult response = client.exchange(get(url), {});
  ASSERT_FALSE(response);
  EXPECT_TRUE(response.error().transient);
  EXPECT_THAT(response.error().error.message, HasSubstr("no connection"));
}

TEST(HttpClient, WrongAddresses) {
  HttpClient client;
  for (const char* url : {"", "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http://a b/"}) {
    SCOPED_TRACE(url);
    const HttpResult response = client.exchange(get(url), {});
    ASSERT_FALSE(response);
    EXPECT_EQ(ErrorCode::kInput, response.error().error.code) << response.error().error.text();
    EXPECT_FALSE(response.error().transient);
  }
}

TEST(HttpClient, StopsAtOnce) {
  std::stop_source stop;
  const TestServer server([&](const std::string&) {
    stop.request_stop();
    return Reply{"", false, true};
  });
  HttpClient client;
  HttpRequest request = get(server.url());
  request.timeouts.silence = milliseconds(0);
  const HttpResult response = client.exchange(request, stop.get_token());
  ASSERT_FALSE(response);
  EXPECT_EQ(ErrorCode::kInterrupted, response.error().error.code);
  EXPECT_FALSE(client.exchange(request, stop.get_token())) << "stopped before it began";
}

}  // namespace
}  // namespace hre::net
