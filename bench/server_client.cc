// The client of inference servers against a stand-in that answers at once: answers per second, and what the client adds
// to the server's time.
//   bench_server_client [SECONDS_OF_LATENCY] [QUESTIONS]
// The stand-in is in this process, a thread a connection, so both share the cores: what is printed is a floor. Values
// are checked before anything is timed.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "hre/scorer.h"

namespace {

using Clock = std::chrono::steady_clock;
using hre::Token;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void require(bool holds, const char* what) {
  if (holds) return;
  fmt::print("FAILED: {}\n", what);
  std::exit(1);
}

// A token's value depends on it and the one before: cheap, and wrong where values are misplaced.
float value_of(long before, long token) { return -0.25F * static_cast<float>((before * 31 + token * 17) % 64) - 0.25F; }

std::atomic<double> latency{0};

std::string choice(size_t index, const std::vector<long>& ids, bool generates) {
  std::string tokens, values = "null", offsets;
  for (size_t i = 0; i < ids.size(); ++i) {
    tokens += fmt::format("{}\"token_id:{}\"", i > 0 ? "," : "", ids[i]);
    offsets += fmt::format("{}{}", i > 0 ? "," : "", i);
    if (i > 0) values += fmt::format(",{}", value_of(ids[i - 1], ids[i]));
  }
  if (generates) {
    tokens += ",\"token_id:7\"";
    values += fmt::format(",{}", value_of(ids.back(), 7));
    offsets += fmt::format(",{}", ids.size());
  }
  return fmt::format(
      R"({{"index":{},"text":"","logprobs":{{"tokens":[{}],"token_logprobs":[{}],"text_offset":[{}]}}}})", index,
      tokens, values, offsets);
}

std::string completion(const std::string& body) {
  const bool generates = body.find("\"max_tokens\":0") == std::string::npos;
  const char* at = body.c_str() + body.find("\"prompt\":") + 9;
  std::string choices;
  size_t index = 0;
  for (++at; *at == '[' || *at == ','; ++index) {
    if (*at == ',') ++at;
    std::vector<long> ids;
    for (++at; *at != ']';) {
      char* end = nullptr;
      ids.push_back(std::strtol(at, &end, 10));
      at = *end == ',' ? end + 1 : end;
    }
    ++at;
    choices += (index > 0 ? "," : "") + choice(index, ids, generates);
  }
  return "{\"choices\":[" + choices + "]}";
}

// One token a byte, so that lengths are what the text says.
std::string tokens_of(const std::string& body) {
  const size_t from = body.find("\"prompt\":\"") + 10, to = body.find("\",\"add", from);
  std::string list;
  for (size_t i = from; i < to; ++i) list += fmt::format("{}{}", i > from ? "," : "", static_cast<int>(body[i]));
  return "{\"tokens\":[" + list + "]}";
}

std::string answer(const std::string& head, const std::string& body) {
  if (head.starts_with("GET /v1/models")) return R"({"data":[{"id":"m","owned_by":"vllm","max_model_len":8192}]})";
  if (head.starts_with("GET /version")) return R"({"version":"0"})";
  if (head.starts_with("POST /tokenize")) return tokens_of(body);
  if (head.starts_with("POST /v1/completions")) {
    if (latency > 0) std::this_thread::sleep_for(std::chrono::duration<double>(latency));
    return completion(body);
  }
  return "";
}

void serve(int connection) {
  std::string buffer;
  char chunk[65536];
  while (true) {
    size_t end = std::string::npos;
    while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
      const ssize_t n = read(connection, chunk, sizeof chunk);
      if (n <= 0) return void(close(connection));
      buffer.append(chunk, static_cast<size_t>(n));
    }
    const std::string head = buffer.substr(0, end + 4);
    const size_t length_at = head.find("Content-Length: ");
    const size_t length = length_at == std::string::npos ? 0 : std::strtoul(head.c_str() + length_at + 16, nullptr, 10);
    while (buffer.size() < end + 4 + length) {
      const ssize_t n = read(connection, chunk, sizeof chunk);
      if (n <= 0) return void(close(connection));
      buffer.append(chunk, static_cast<size_t>(n));
    }
    const std::string body = answer(head, buffer.substr(end + 4, length));
    buffer.erase(0, end + 4 + length);
    const std::string reply =
        fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n\r\n{}", body.empty() ? 404 : 200, body.size(), body);
    for (size_t sent = 0; sent < reply.size();) {
      const ssize_t n = write(connection, reply.data() + sent, reply.size() - sent);
      if (n <= 0) return void(close(connection));
      sent += static_cast<size_t>(n);
    }
  }
}

int start_server() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  require(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(listener, 512) == 0, "a port");
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::thread([listener] {
    while (true) {
      const int connection = accept(listener, nullptr, nullptr);
      if (connection < 0) return;
      const int on = 1;
      setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      std::thread(serve, connection).detach();
    }
  }).detach();
  return ntohs(address.sin_port);
}

// Answers of 135 tokens after prompts of 281, four a question, as real ones have in the mean.
std::vector<hre::QuestionPlan> made_plans(size_t n) {
  std::vector<hre::QuestionPlan> plans(n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t t = 0; t < 281; ++t) plans[i].prefix.push_back(static_cast<Token>((i * 7 + t * 13) % 50000));
    for (size_t a = 0; a < 4; ++a) {
      hre::AnswerPlan answer;
      for (size_t t = 0; t < 135; ++t) answer.targets.push_back(static_cast<Token>((i + a * 1000 + t * 3) % 50000));
      answer.tail.assign(answer.targets.begin(), answer.targets.end() - 1);
      plans[i].answers.push_back(std::move(answer));
    }
  }
  return plans;
}

void check(const hre::QuestionPlan& plan, const hre::QuestionScore& score) {
  for (size_t a = 0; a < plan.answers.size(); ++a) {
    long before = plan.prefix.back();
    for (size_t t = 0; t < plan.answers[a].targets.size(); ++t) {
      require(score.answers[a].token_log_probs[t] == value_of(before, plan.answers[a].targets[t]), "a value");
      before = plan.answers[a].targets[t];
    }
  }
}

double timed(hre::Scorer& scorer, const std::vector<hre::QuestionPlan>& plans) {
  size_t n = 0;
  const auto start = Clock::now();
  const auto status = hre::score_all(scorer, plans,
                                     [&](size_t index, hre::QuestionScore score) {
                                       check(plans[index], score);
                                       ++n;
                                       return true;
                                     },
                                     {});
  const double seconds = seconds_since(start);
  require(status.has_value() && n == plans.size(), "all questions");
  return seconds;
}

}  // namespace

int main(int argc, char** argv) {
  const double server_latency = argc > 1 ? std::atof(argv[1]) : 0.05;
  const size_t n = argc > 2 ? static_cast<size_t>(std::atol(argv[2])) : 1500;
  const int port = start_server();
  auto scorer = hre::open_model(fmt::format("server:http://127.0.0.1:{}", port), {});
  if (!scorer) fmt::print("{}\n", scorer.error().text());
  require(scorer.has_value(), "the stand-in is taken for a server");
  timed(**scorer, made_plans(50));
  const auto plans = made_plans(n);
  fmt::print("{} questions of 4 answers, prompts of 281 tokens, answers of 135; four prompts a request\n", n);
  for (const double seconds : {0.0, server_latency}) {
    latency = seconds;
    std::vector<double> rates;
    for (int i = 0; i < 3; ++i) rates.push_back(4 * static_cast<double>(n) / timed(**scorer, plans));
    std::sort(rates.begin(), rates.end());
    fmt::print("server takes {:.0f} ms: {:.0f} answers/s ({:.0f} to {:.0f} in 3 runs)\n", 1000 * seconds, rates[1],
               rates[0], rates[2]);
  }
  latency = 0;
  hre::ModelOptions one_at_a_time;
  one_at_a_time.server.most_in_flight = 1;
  auto one = hre::open_model(fmt::format("server:http://127.0.0.1:{}", port), one_at_a_time);
  const auto few = made_plans(200);
  const double request = timed(**one, few) / 200;
  const auto start = Clock::now();
  for (const auto& plan : few) {
    std::vector<long> ids(plan.prefix.begin(), plan.prefix.end());
    std::string body;
    for (size_t a = 0; a < 4; ++a) {
      std::vector<long> whole = ids;
      for (const Token token : plan.answers[a].targets) whole.push_back(token);
      body += choice(a, whole, false);
    }
    require(!body.empty(), "an answer");
  }
  const double making = seconds_since(start) / 200;
  fmt::print("one request at a time: {:.2f} ms a request, of which the stand-in makes its answer for {:.2f} ms\n",
             1000 * request, 1000 * making);
  return 0;
}
