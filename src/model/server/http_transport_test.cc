#include "model/server/http_transport.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <random>
#include <thread>

namespace hre::server {
namespace {

/// Ends the process where a test hangs: no assertion would be reached.
class Alarm {
 public:
  explicit Alarm(unsigned seconds) { alarm(seconds); }
  ~Alarm() { alarm(0); }
};

/// A worker that goes to sleep just as the transport ends must be woken, and so must one that is only starting.
TEST(HttpTransport, EndsAtAnyMoment) {
  const Alarm hangs(300);
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  net::HttpClient client;
  const std::vector<std::string> urls = {"http://127.0.0.1:1"};  // nobody is there
  for (int i = 0; i < 10000; ++i) {
    const auto transport = make_http_transport(client, urls, {}, "");
    const unsigned n = random() % 5;
    for (unsigned k = 0; k < n; ++k) transport->send(k, 0, {"/v1/completions", "{}", 1, 100});
    if (random() % 2 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
    if (random() % 4 == 0) transport->abandon();
    if (random() % 4 == 0) (void)transport->receive(0.0001, {});
    if (random() % 8 == 0) transport->send(n, 0, {"/v1/completions", "{}", 1, 100});
  }
}

TEST(HttpTransport, AStopEndsTheWait) {
  const Alarm hangs(60);
  net::HttpClient client;
  const auto transport = make_http_transport(client, {"http://127.0.0.1:1"}, {}, "");
  std::stop_source stop;
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stop.request_stop();
  });
  EXPECT_TRUE(transport->receive(1000, stop.get_token()).empty());
  stopper.join();
}

TEST(HttpTransport, WhatWasSentAfterAbandonIsSent) {
  const Alarm hangs(60);
  net::HttpClient client;
  const auto transport = make_http_transport(client, {"http://127.0.0.1:1"}, {}, "");
  transport->abandon();
  transport->send(7, 0, {"/v1/completions", "{}", 1, 100});
  const auto arrivals = transport->receive(30, {});
  ASSERT_EQ(arrivals.size(), 1U);
  EXPECT_EQ(arrivals[0].id, 7U);
  EXPECT_EQ(arrivals[0].reply.status, 0);
  EXPECT_FALSE(arrivals[0].reply.error.message.empty());
}

}  // namespace
}  // namespace hre::server
