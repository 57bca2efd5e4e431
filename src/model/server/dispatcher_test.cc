#include "model/server/dispatcher.h"

#include <gmock/gmock.h>

#include <map>
#include <random>

namespace hre::server {
namespace {

/// Servers in simulated time: each computes `slots` requests at once, in `seconds` each; the others queue.
class SimulatedServers final : public Transport {
 public:
  struct Server {
    int slots = 8;
    double seconds = 1;
    double away_from = 1e18, away_until = 1e18;
    int most = 1 << 30;                       // more at once than this are refused
    double failing_share = 0;                 // of requests, by a 500
    size_t refused_id = SIZE_MAX;             // a request that is wrong, with a 400
    std::string failing_body = "none";        // of a request that always fails, by a 500
    bool refuses_all = false;                 // with a 404
    std::multimap<double, size_t> busy = {};  // by when a slot is free
    int in_flight = 0, peak = 0, refused = 0, served = 0;
  };

  SimulatedServers(std::vector<Server> simulated, unsigned seed) : servers(std::move(simulated)), random_(seed) {}

  void send(size_t id, size_t index, const Request& request) override {
    Server& server = servers[index];
    server.peak = std::max(server.peak, ++server.in_flight);
    Reply reply;
    double at = now_ + 0.001;
    if (now_ >= server.away_from && now_ < server.away_until) {
      reply.error = {ErrorCode::kFailed, "connection refused", "", ""};
    } else if (server.refuses_all) {
      reply.status = 404;
    } else if (id == server.refused_id) {
      reply.status = 400;
      reply.body = R"({"error":{"message":"too long"}})";
    } else if (server.in_flight > server.most) {
      reply.status = 429;
      ++server.refused;
    } else if (request.body == server.failing_body ||
               std::uniform_real_distribution<double>(0, 1)(random_) < server.failing_share) {
      reply.status = 500;
    } else {
      reply.status = 200;
      while (!server.busy.empty() && server.busy.begin()->first <= now_) server.busy.erase(server.busy.begin());
      at = now_;
      if (static_cast<int>(server.busy.size()) >= server.slots) {
        auto free = server.busy.begin();
        std::advance(free, static_cast<ptrdiff_t>(server.busy.size()) - server.slots);
        at = free->first;
      }
      at += server.seconds;
      server.busy.emplace(at, id);
      ++server.served;
    }
    events_.emplace(at, std::pair(index, Arrival{id, reply}));
  }

  std::vector<Arrival> receive(double seconds, const std::stop_token&) override {
    const double until = now_ + seconds;
    if (events_.empty() || events_.begin()->first > until) {
      now_ = until;
      return {};
    }
    now_ = std::max(now_, events_.begin()->first);
    std::vector<Arrival> arrivals;  // all that came at this moment, as servers with batches answer
    while (!events_.empty() && events_.begin()->first <= now_) arrivals.push_back(take_first());
    return arrivals;
  }

  void abandon() override {}

  double now() override { return now_; }

  std::vector<Server> servers;

 private:
  Arrival take_first() {
    auto [index, arrival] = events_.begin()->second;
    events_.erase(events_.begin());
    Server& server = servers[index];
    --server.in_flight;
    const bool died = now_ >= server.away_from && now_ < server.away_until && arrival.reply.status == 200;
    if (died) arrival.reply = {0, "", {}, {ErrorCode::kFailed, "connection reset", "", ""}, true};
    return arrival;
  }

  double now_ = 0;
  std::multimap<double, std::pair<size_t, Arrival>> events_;
  std::mt19937 random_;
};

struct Outcome {
  Status status;
  std::vector<int> done;
  std::map<size_t, std::string> refused;
  double seconds = 0;
  std::vector<std::string> notes;
};

Requests requests_of(size_t n_requests, Outcome& outcome) {
  outcome.done.resize(n_requests);
  Requests requests;
  requests.next = [n_requests, next = size_t{0}]() mutable -> NextPlan {
    if (next == n_requests) return {};
    return {NextPlan::Kind::kQuestion, next++};
  };
  requests.make = [](size_t index, size_t) { return Request{"/v1/completions", std::to_string(index), 1, 100}; };
  requests.take = [&outcome](size_t request, const std::string&) -> Result<Taken> {
    ++outcome.done[request];
    return Taken::kDone;
  };
  requests.take_refusal = [&outcome](size_t request, const Error& error) {
    outcome.refused[request] = error.message;
    return true;
  };
  return requests;
}

Outcome run(SimulatedServers& servers, size_t n_requests, DispatchOptions options = {}) {
  Outcome outcome;
  for (size_t i = 0; i < servers.servers.size(); ++i) options.servers.push_back("http://" + std::to_string(i));
  options.note = [&](const std::string& note) { outcome.notes.push_back(note); };
  Dispatcher dispatcher(servers, options);
  outcome.status = dispatcher.run(requests_of(n_requests, outcome), {});
  outcome.seconds = servers.now();
  return outcome;
}

TEST(Dispatcher, FindsTheKneeOfAServer) {
  for (const int slots : {1, 8, 64}) {
    SimulatedServers servers({{.slots = slots}}, 1);
    const size_t n = static_cast<size_t>(slots) * 200;
    const Outcome outcome = run(servers, n);
    ASSERT_TRUE(outcome.status);
    EXPECT_THAT(outcome.done, testing::Each(1));
    EXPECT_LT(outcome.seconds, 1.25 * 200) << slots << ": close to what the server can do";
    EXPECT_LE(servers.servers[0].peak, std::max(8, 3 * slots)) << "and not many more than it can use";
  }
}

TEST(Dispatcher, KeepsBelowALimitThatTheServerEnforces) {
  SimulatedServers servers({{.slots = 32, .most = 10}}, 1);
  const Outcome outcome = run(servers, 2000);
  ASSERT_TRUE(outcome.status);
  EXPECT_THAT(outcome.done, testing::Each(1));
  EXPECT_LT(servers.servers[0].refused, 200) << "a tenth of the requests";
  EXPECT_LT(outcome.seconds, 1.5 * 2000 / 10);
}

TEST(Dispatcher, ServersShareByWhatTheyCan) {
  SimulatedServers servers({{.slots = 4}, {.slots = 16}, {.slots = 16, .seconds = 0.5}}, 1);
  const Outcome outcome = run(servers, 4000);
  ASSERT_TRUE(outcome.status);
  EXPECT_THAT(outcome.done, testing::Each(1));
  EXPECT_LT(outcome.seconds, 1.35 * 4000 / (4 + 16 + 32));
}

/// Requests of five parts each.
struct Parts {
  std::vector<std::vector<size_t>> servers;  // by request: of its parts, also those that failed
  std::vector<int> taken;
};

Status run_parts(SimulatedServers& servers, size_t n_requests, Parts& parts) {
  constexpr int kParts = 5;
  parts.servers.resize(n_requests);
  parts.taken.resize(n_requests);
  DispatchOptions options;
  for (size_t i = 0; i < servers.servers.size(); ++i) {
    options.servers.push_back("http://" + std::to_string(i));
    options.slots.push_back(servers.servers[i].slots);
  }
  Outcome outcome;
  Requests requests = requests_of(n_requests, outcome);
  requests.make = [&](size_t request, size_t server) {
    parts.servers[request].push_back(server);
    return Request{"/completion", "{}", 1, 100};
  };
  requests.take = [&](size_t request, const std::string&) -> Result<Taken> {
    return ++parts.taken[request] < kParts ? Taken::kMore : Taken::kDone;
  };
  Dispatcher dispatcher(servers, options);
  return dispatcher.run(requests, {});
}

TEST(Dispatcher, PartsOfARequestGoToOneServerThatHasAsManyAtOnceAsSlots) {
  SimulatedServers servers({{.slots = 3}, {.slots = 6}}, 1);
  Parts parts;
  ASSERT_TRUE(run_parts(servers, 90, parts));
  EXPECT_THAT(parts.taken, testing::Each(5));
  for (const auto& of_request : parts.servers) EXPECT_THAT(of_request, testing::Each(of_request.front()));
  EXPECT_EQ(servers.servers[0].peak, 3);
  EXPECT_EQ(servers.servers[1].peak, 6);
  EXPECT_LT(servers.now(), 1.2 * 90 * 5 / 9) << "all slots are busy from the start";
}

TEST(Dispatcher, PartsThatFailAreRepeatedAlone) {
  SimulatedServers servers({{.slots = 4, .failing_share = 0.1}, {.slots = 4, .away_from = 10, .away_until = 40}}, 2);
  Parts parts;
  ASSERT_TRUE(run_parts(servers, 60, parts));
  EXPECT_THAT(parts.taken, testing::Each(5));
}

TEST(Dispatcher, EveryRequestIsDoneOnceWhateverFails) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 30; ++i) {
    std::vector<SimulatedServers::Server> several(1 + random() % 3);
    for (auto& server : several) {
      server.slots = 1 + static_cast<int>(random() % 20);
      server.failing_share = 0.1;
      server.away_from = static_cast<double>(random() % 20);
      server.away_until = server.away_from + static_cast<double>(random() % 20);
      server.most = 5 + static_cast<int>(random() % 40);
    }
    SimulatedServers servers(several, random());
    DispatchOptions options;
    options.retry.attempts = 20;
    const Outcome outcome = run(servers, 500, options);
    ASSERT_TRUE(outcome.status) << outcome.status.error().text();
    EXPECT_THAT(outcome.done, testing::Each(1));
  }
}

TEST(Dispatcher, WaitsForAServerThatComesBackAndNoLonger) {
  SimulatedServers servers({{.away_from = 5, .away_until = 45}}, 1);
  const Outcome outcome = run(servers, 200);
  ASSERT_TRUE(outcome.status) << outcome.status.error().text();
  EXPECT_THAT(outcome.done, testing::Each(1));
  EXPECT_THAT(outcome.notes,
              testing::ElementsAre(testing::HasSubstr("does not answer"), testing::HasSubstr("answers again")));

  SimulatedServers gone({{.away_from = 5}}, 1);
  const Outcome given_up = run(gone, 200);
  ASSERT_FALSE(given_up.status);
  EXPECT_THAT(given_up.status.error().text(), testing::HasSubstr("no server answered for 60 s"));
  EXPECT_NEAR(given_up.seconds, 65, 10);
  EXPECT_GE(std::count(given_up.done.begin(), given_up.done.end(), 1), 20);
}

TEST(Dispatcher, ARequestThatIsWrongEndsItselfAlone) {
  SimulatedServers servers({{.refused_id = 7}}, 1);
  const Outcome outcome = run(servers, 50);
  ASSERT_TRUE(outcome.status);
  EXPECT_THAT(outcome.refused, testing::ElementsAre(testing::Pair(7, "the server answers 400: too long")));
  EXPECT_EQ(std::count(outcome.done.begin(), outcome.done.end(), 1), 49);
}

TEST(Dispatcher, ARequestThatAlwaysFailsEndsItselfAlone) {
  for (const size_t n : {size_t{50}, size_t{1}}) {  // alone, too: nothing else succeeds meanwhile
    SimulatedServers servers({{.failing_body = "0"}}, 1);
    const Outcome outcome = run(servers, n);
    ASSERT_TRUE(outcome.status);
    EXPECT_THAT(outcome.refused, testing::ElementsAre(testing::Pair(0, "the server answers 500 (5 attempts)")));
    EXPECT_EQ(std::count(outcome.done.begin(), outcome.done.end(), 1), static_cast<ptrdiff_t>(n) - 1);
  }
}

TEST(Dispatcher, WhatIsKnownOfServersIsKeptFromCallToCall) {
  SimulatedServers servers({{.slots = 64}, {.slots = 64, .refuses_all = true}}, 1);
  Outcome outcome;
  Dispatcher dispatcher(servers, {.servers = {"http://0", "http://1"},
                                  .note = [&](const std::string& note) { outcome.notes.push_back(note); }});
  ASSERT_TRUE(dispatcher.run(requests_of(5000, outcome), {}));
  const double first = servers.now();
  ASSERT_TRUE(dispatcher.run(requests_of(64, outcome), {}));
  EXPECT_LT(servers.now() - first, 1.5) << "all at once: the concurrency is known";
  EXPECT_EQ(outcome.notes.size(), 1u) << "a server that was left out stays out";
}

TEST(Dispatcher, ASourceThatHasNothingNowIsAskedAgain) {
  SimulatedServers servers({{}}, 1);
  Outcome outcome;
  Requests requests = requests_of(1, outcome);
  requests.next = [&, next = 0]() mutable -> NextPlan {
    if (servers.now() < 5) return {NextPlan::Kind::kLater, 0};
    if (next++ == 0) return {NextPlan::Kind::kQuestion, 0};
    return {};
  };
  Dispatcher dispatcher(servers, {.servers = {"http://0"}});
  ASSERT_TRUE(dispatcher.run(requests, {}));
  EXPECT_EQ(outcome.done[0], 1);
  EXPECT_NEAR(servers.now(), 6, 0.3);
}

TEST(Dispatcher, RequestsThatAllFailEndTheWork) {
  SimulatedServers servers({{.failing_share = 1}}, 1);
  const Outcome outcome = run(servers, 5);
  ASSERT_FALSE(outcome.status);
  EXPECT_THAT(outcome.status.error().text(), testing::HasSubstr("the server answers 500"));
  EXPECT_THAT(outcome.status.error().text(), testing::HasSubstr("(5 attempts)"));
}

}  // namespace
}  // namespace hre::server
