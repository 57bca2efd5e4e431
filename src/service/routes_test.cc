#include "service/routes.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/files.h"

namespace hre::service {
namespace {

namespace fs = std::filesystem;
using net::ServerAnswer;
using net::ServerRequest;
using nlohmann::json;
using store::JobStatus;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kToken = "0123456789abcdef";

class RoutesTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("hre-routes-" + std::to_string(getpid()));
    fs::remove_all(root_);
    fs::create_directories(root_ / "models" / "checkpoint-5");
    fs::create_directories(root_ / "secret");
    for (const char* name : {"models/a.gguf", "models/b.gguf", "secret/c.gguf"}) std::ofstream(root_ / name) << "x";
    fs::create_symlink(root_ / "secret" / "c.gguf", root_ / "models" / "link.gguf");
    fs::create_symlink(root_ / "models" / "a.gguf", root_ / "models" / "inner.gguf");
    root_ = fs::canonical(root_);
    make();
  }
  void TearDown() override {
    routes_.reset();
    worker_.reset();
    fs::remove_all(root_);
  }

  void make(const std::string& token = "", bool is_loopback = true, int64_t most_queued = 3) {
    auto folders = Folders::open({root_ / "models"});
    ASSERT_TRUE(folders);
    RoutesOptions options{.folders = *folders};
    options.models = {"baseline:zstd"};
    options.token = token;
    options.is_loopback = is_loopback;
    options.most_queued = most_queued;
    options.page = root_ / "page.html";
    options.version = "1.2.3";
    options.result_json = [](const store::Job& job, bool details) -> Result<std::string> {
      if (job.model == "baseline:zstd") return input_error("the run is gone");
      return std::string(details ? R"({"details": true})" : R"({"details": false})");
    };
    const std::string path = root_ / "runs.db";
    auto queue = store::JobQueue::open(path), worker = store::JobQueue::open(path);
    ASSERT_TRUE(queue && worker);
    worker_ = std::make_unique<store::JobQueue>(std::move(*worker));
    routes_ = std::make_unique<Routes>(std::move(options), std::move(*queue), board_);
  }

  /// As the server asks.
  ServerAnswer ask(const std::string& method, const std::string& target, const std::string& body = "",
                   net::Headers headers = {}) {
    ServerRequest request{.method = method, .target = target, .headers = std::move(headers), .body = ""};
    if (!request.header("host")) request.headers.emplace_back("host", "localhost:8765");
    if (method == "POST" && !request.header("content-type"))
      request.headers.emplace_back("content-type", "application/json");
    if (auto refused = routes_->refuse(request)) return *refused;
    request.body = body;
    return routes_->answer(request);
  }
  int64_t submit(const std::string& body) {
    const ServerAnswer answer = ask("POST", "/jobs", body);
    EXPECT_EQ(answer.status, 201) << answer.body;
    return json::parse(answer.body)["id"];
  }
  /// The message of an answer that must have this status.
  std::string error(int status, const ServerAnswer& answer) {
    EXPECT_EQ(answer.status, status) << answer.body;
    const json body = json::parse(answer.body, nullptr, false);
    EXPECT_TRUE(body.is_object() && body.contains("error")) << answer.body;
    return body.value("error", "");
  }
  store::Job run_next() {
    const auto job = worker_->take();
    EXPECT_TRUE(job && *job);
    return **job;
  }
  void end(const store::Job& job, JobStatus status, const std::string& why = "", const std::string& result = "") {
    EXPECT_TRUE(worker_->end(job.id, status, why, result));
    board_.queue_changed();
  }

  fs::path root_;
  JobBoard board_{[] {}};
  std::unique_ptr<store::JobQueue> worker_;
  std::unique_ptr<Routes> routes_;
};

TEST_F(RoutesTest, AJobFromItsBeginToItsEnd) {
  const ServerAnswer submitted = ask("POST", "/jobs", R"({"model": "a.gguf", "limit": 2, "topics": ["py*"]})");
  EXPECT_EQ(submitted.status, 201);
  EXPECT_THAT(submitted.headers, testing::Contains(testing::Pair("Location", "/jobs/1")));
  json job = json::parse(submitted.body);
  EXPECT_EQ(job["status"], "queued");
  EXPECT_EQ(job["model"], (root_ / "models" / "a.gguf").string());
  EXPECT_EQ(job["request"]["limit"], 2);
  EXPECT_THAT(error(409, ask("GET", "/jobs/1/result")), HasSubstr("job 1 is queued"));

  const store::Job running = run_next();
  board_.begin(running.id, std::stop_source());
  SilentProgress silent;
  JobBoard::Listener listener(board_, silent);
  listener.begin("scoring", 10, "questions", 0);
  listener.advance(4, 4);
  job = json::parse(ask("GET", "/jobs/1").body);
  EXPECT_EQ(job["status"], "running");
  EXPECT_EQ(job["progress"]["done"], 4);
  EXPECT_EQ(job["progress"]["share"], 0.4);
  board_.end();

  end(running, JobStatus::kCompleted, "", R"({"value": 0.25, "step": null})");
  job = json::parse(ask("GET", "/jobs/1").body);
  EXPECT_EQ(job["status"], "completed");
  EXPECT_EQ(job["result"]["value"], 0.25);
  EXPECT_TRUE(job["progress"].is_null());
  EXPECT_EQ(ask("GET", "/jobs/1/result").body, R"({"details": false})");
  EXPECT_EQ(ask("GET", "/jobs/1/result?details").body, R"({"details": true})");
  EXPECT_EQ(ask("HEAD", "/jobs/1/result").status, 200);
  EXPECT_THAT(error(409, ask("DELETE", "/jobs/1")), HasSubstr("has ended: it is completed"));
}

TEST_F(RoutesTest, NoPathLeadsOutside) {
  for (const std::string& path :
       {(root_ / "secret/c.gguf").string(), std::string("link.gguf"), std::string("../secret/c.gguf"),
        std::string("checkpoint-5/../a.gguf"), std::string("/"), std::string("/etc/passwd"), std::string("nothing"),
        root_.string(), (root_ / "models").string() + "-other", std::string("~"), std::string("a.gguf\\u0000")}) {
    const std::string said = error(422, ask("POST", "/jobs", R"({"model": ")" + path + R"("})"));
    EXPECT_THAT(said, HasSubstr("is not in a folder that this service may read")) << path;
  }
  submit(R"({"model": "inner.gguf"})");
  EXPECT_EQ(run_next().model, (root_ / "models" / "a.gguf").string()) << "links inside are followed";
  submit(R"({"model": ")" + (root_ / "models" / "checkpoint-5").string() + R"("})");
  submit(R"({"model": "baseline:zstd"})");
  error(422, ask("POST", "/jobs", R"({"model": "baseline:length"})"));
  error(422, ask("POST", "/jobs", R"({"model": "hf:a/b"})"));
  error(422, ask("POST", "/jobs", R"({"model": "a.gguf", "training": "/etc"})"));
}

TEST_F(RoutesTest, WrongJobsAreToldOf) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "the body is not JSON"},
      {"{\"model\": \"a.gguf\"", "the body is not JSON"},
      {"[]", "no JSON object"},
      {"{}", "model: is missing"},
      {R"({"model": 5})", "model: must be a text"},
      {R"({"model": "a.gguf", "limit": 0})", "limit: must be a whole number of at least 1"},
      {R"({"model": "a.gguf", "limit": 1.5})", "limit: must be"},
      {R"({"model": "a.gguf", "limit": 1e300})", "limit: must be"},
      {R"({"model": "a.gguf", "limit": 18446744073709551615})", "limit: must be"},
      {R"({"model": "a.gguf", "topics": "x"})", "topics: must be a list"},
      {R"({"model": "a.gguf", "topics": [1]})", "topics: must be a list"},
      {R"({"model": "a.gguf", "time_limit": -1})", "time_limit: must be a number"},
      {R"({"model": "a.gguf", "step": "5"})", "step: must be a number"},
      {R"({"model": "a.gguf", "limt": 5})", "limt: is no field of a job; did you mean limit?"},
      {"{\"model\": \"\xff\"}", "the body is not JSON"}};
  for (const auto& [body, message] : cases) {
    EXPECT_THAT(error(400, ask("POST", "/jobs", body)), HasSubstr(message)) << body;
  }
  error(422, ask("POST", "/jobs", R"({"model": ")" + std::string(4096, 'x') + R"("})"));
  error(400, ask("POST", "/jobs", R"({"model": ")" + std::string(5000, 'x') + R"("})"));
  const std::string deep(50'000, '[');
  error(400, ask("POST", "/jobs", deep));
  EXPECT_EQ(*worker_->take(), std::nullopt);
}

TEST_F(RoutesTest, PathsAndMethods) {
  EXPECT_THAT(error(404, ask("GET", "/nothing")), HasSubstr("nothing at this path"));
  for (const char* path : {"/jobs/0x1", "/jobs/-1", "/jobs/99999999999999999999", "/jobs/1/other", "/jobs/%31",
                           "/axolotl/queue/x", "/axolotl/1", "/../health", "/health/x", "?"}) {
    const int status = ask("GET", path).status;
    EXPECT_EQ(status, 404) << path;
  }
  error(404, ask("GET", "/jobs/7"));
  const ServerAnswer wrong = ask("PUT", "/jobs");
  error(405, wrong);
  EXPECT_THAT(wrong.headers, testing::Contains(testing::Pair("Allow", "GET, POST")));
  error(405, ask("OPTIONS", "/jobs"));
  error(405, ask("GET", "/axolotl"));
  EXPECT_EQ(ask("GET", "/health").body, "{\"status\":\"ok\"}\n");
  error(415, ask("POST", "/jobs", "{}", {{"content-type", "text/plain"}}));
  EXPECT_EQ(ask("POST", "/jobs", "{}", {{"content-type", "Application/JSON; charset=utf-8"}}).status, 400);
  error(501, ask("POST", "/jobs", "{}", {{"transfer-encoding", "gzip"}}));
  error(400, ask("POST", "/jobs", "{}", {{"transfer-encoding", "chunked"}, {"content-length", "2"}}));
}

TEST_F(RoutesTest, PagesOfOtherSitesGetNothing) {
  for (const char* host : {"localhost", "LocalHost:1", "127.0.0.1:8765", "127.5.5.5", "[::1]:8765", "[::1]"}) {
    EXPECT_EQ(ask("GET", "/health", "", {{"host", host}}).status, 200) << host;
  }
  for (const char* host : {"", "evil.example", "evil.example:8765", "localhost.evil.example", "127.0.0.1.evil.example",
                           "192.168.1.1", "[::2]", "::1", "[", "localhost@evil"}) {
    EXPECT_THAT(error(403, ask("GET", "/health", "", {{"host", host}})), HasSubstr("localhost")) << host;
  }
  for (const char* origin : {"http://evil.example", "null", "http://localhost:1", "http://localhost.evil"}) {
    error(403, ask("POST", "/jobs", "{}", {{"host", "localhost:8765"}, {"origin", origin}}));
  }
  EXPECT_EQ(ask("POST", "/jobs", "{}", {{"host", "localhost:8765"}, {"origin", "http://localhost:8765"}}).status, 400);
  error(403, ask("GET", "/jobs", "", {{"sec-fetch-site", "cross-site"}}));
  error(403, ask("GET", "/jobs", "", {{"sec-fetch-site", "same-site"}}));
  EXPECT_EQ(ask("GET", "/jobs", "", {{"sec-fetch-site", "none"}}).status, 200);
  for (const auto& [name, value] : ask("GET", "/jobs").headers)
    EXPECT_THAT(name, Not(HasSubstr("Access-Control"))) << "no other origin is let in";
  make(kToken, false);
  EXPECT_EQ(ask("GET", "/health", "", {{"host", "any.example"}}).status, 200);
}

TEST_F(RoutesTest, ATokenIsAskedFor) {
  make(kToken);
  const std::string token = kToken;
  EXPECT_EQ(ask("GET", "/health").status, 200);
  for (const char* path : {"/jobs", "/metrics", "/", "/nothing"}) {
    const ServerAnswer answer = ask("GET", path);
    EXPECT_THAT(error(401, answer), HasSubstr("token")) << path;
    EXPECT_THAT(answer.body, Not(HasSubstr(token)));
  }
  const std::vector<std::string> wrong = {token,
                                          "Bearer",
                                          "Bearer ",
                                          "Bearer " + token.substr(1),
                                          "Bearer " + token + "0",
                                          "Bearer " + token + token,
                                          "Digest " + token,
                                          "Basic ",
                                          "Basic !!!!",
                                          "Basic " + token};
  for (const std::string& given : wrong) {
    EXPECT_EQ(ask("GET", "/jobs", "", {{"authorization", given}}).status, 401) << given;
  }
  EXPECT_EQ(ask("GET", "/jobs", "", {{"authorization", "Bearer " + token}}).status, 200);
  EXPECT_EQ(ask("GET", "/jobs", "", {{"authorization", "bearer  " + token}}).status, 200);
  // base64("me:0123456789abcdef")
  EXPECT_EQ(ask("GET", "/jobs", "", {{"authorization", "Basic bWU6MDEyMzQ1Njc4OWFiY2RlZg=="}}).status, 200);
}

TEST(EqualInConstantTime, IsEquality) {
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  for (const char* other : {"", "ab", "abcd", "abd", "xbc", "abcabc", "a"}) {
    EXPECT_FALSE(equal_in_constant_time(other, "abc")) << other;
  }
  EXPECT_FALSE(equal_in_constant_time(std::string("abc\0", 4), "abc"));
  EXPECT_TRUE(equal_in_constant_time("", ""));
}

TEST_F(RoutesTest, TheQueueIsBounded) {
  for (int i = 0; i < 3; ++i) submit(R"({"model": "a.gguf"})");
  const ServerAnswer full = ask("POST", "/jobs", R"({"model": "a.gguf"})");
  EXPECT_THAT(error(429, full), HasSubstr("the queue is full: 3 jobs wait"));
  EXPECT_THAT(full.headers, testing::Contains(testing::Pair("Retry-After", testing::_)));
  EXPECT_EQ(ask("DELETE", "/jobs/2").status, 200);
  EXPECT_EQ(json::parse(ask("GET", "/jobs/2").body)["status"], "cancelled");
  submit(R"({"model": "a.gguf"})");
}

TEST_F(RoutesTest, ARunningJobIsAskedToStop) {
  submit(R"({"model": "a.gguf"})");
  submit(R"({"model": "b.gguf"})");
  const store::Job first = run_next();
  const std::stop_source one, two;
  board_.begin(first.id, one);
  EXPECT_FALSE(one.stop_requested());
  EXPECT_EQ(ask("DELETE", "/jobs/1").status, 202);
  EXPECT_TRUE(one.stop_requested());
  EXPECT_TRUE(board_.is_cancelled());
  end(first, JobStatus::kCancelled);
  board_.end();
  error(409, ask("DELETE", "/jobs/1"));
  const store::Job second = run_next();  // taken, and not yet begun
  EXPECT_EQ(ask("DELETE", "/jobs/2").status, 202);
  board_.begin(second.id, two);
  EXPECT_TRUE(two.stop_requested());
}

TEST_F(RoutesTest, ListsJobs) {
  for (int i = 0; i < 3; ++i) submit(R"({"model": "a.gguf"})");
  end(run_next(), JobStatus::kFailed, "why");
  json list = json::parse(ask("GET", "/jobs").body);
  ASSERT_EQ(list["jobs"].size(), 3U);
  EXPECT_EQ(list["jobs"][0]["id"], 3);
  EXPECT_TRUE(list["before"].is_null());
  list = json::parse(ask("GET", "/jobs?limit=2").body);
  EXPECT_EQ(list["before"], 2);
  EXPECT_EQ(json::parse(ask("GET", "/jobs?limit=2&before=2").body)["jobs"].size(), 1U);
  EXPECT_EQ(json::parse(ask("GET", "/jobs?status=failed").body)["jobs"][0]["why"], "why");
  for (const char* query : {"?status=x", "?limit=0", "?limit=1001", "?before=x", "?other=1", "?limit"})
    error(400, ask("GET", std::string("/jobs") + query));
}

TEST_F(RoutesTest, EventsFollowAJob) {
  submit(R"({"model": "a.gguf"})");
  ServerAnswer stream = ask("GET", "/jobs/1/events");
  EXPECT_EQ(stream.status, 200);
  ASSERT_TRUE(stream.more);
  EXPECT_THAT(*stream.more(), testing::StartsWith("event: queued\ndata: {\"id\":1,"));
  EXPECT_EQ(*stream.more(), "");
  const store::Job job = run_next();
  board_.begin(job.id, std::stop_source());
  board_.queue_changed();
  EXPECT_THAT(*stream.more(), HasSubstr("event: running\n"));
  SilentProgress silent;
  JobBoard::Listener listener(board_, silent);
  listener.begin("scoring", 10, "questions", 0);
  const std::string progress = *stream.more();
  EXPECT_THAT(progress, testing::StartsWith("event: progress\ndata: {\"stage\":\"scoring\""));
  EXPECT_TRUE(progress.ends_with("}\n\n"));
  EXPECT_EQ(*stream.more(), "");
  end(job, JobStatus::kCompleted, "", "{\"value\": 0.5}");
  EXPECT_THAT(*stream.more(), testing::StartsWith("event: completed\n"));
  EXPECT_EQ(stream.more(), std::nullopt);
  ServerAnswer late = ask("GET", "/jobs/1/events");
  EXPECT_THAT(*late.more(), testing::StartsWith("event: completed\n"));
  EXPECT_EQ(late.more(), std::nullopt);
}

constexpr const char* kResult =
    R"({"format": "hre-watch/1", "step": 5, "value": 0.25, "ci95": [0.2, 0.3], "pairwise_accuracy": 0.6, "bits_per_byte": null,
        "questions": 7, "seconds": 1.5, "since_first": {"difference": 0.125, "ci95": [0.1, 0.2]}, "since_last": null, "gate": "fail"})";

TEST_F(RoutesTest, ATrainingWaitsForItsScalars) {
  const std::string event = R"({"event": "save", "step": 5, "checkpoint_dir": ")" +
                            (root_ / "models" / "checkpoint-5").string() + R"(", "output_dir": ")" +
                            (root_ / "models").string() + R"(", "later_field": [1]})";
  ServerAnswer answer = ask("POST", "/axolotl", event);
  ASSERT_TRUE(answer.later);
  EXPECT_FALSE(answer.later());
  const store::Job job = run_next();
  const auto request = read_job_request(job.request);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->training, (root_ / "models").string());
  EXPECT_EQ(request->step, 5);
  EXPECT_EQ(request->event, "save");
  board_.queue_changed();
  EXPECT_FALSE(answer.later());
  end(job, JobStatus::kCompleted, "", kResult);
  const auto done = answer.later();
  ASSERT_TRUE(done);
  EXPECT_EQ(done->status, 200);
  const json body = json::parse(done->body);
  EXPECT_EQ(body["status"], "completed");
  EXPECT_EQ(body["metrics"], json::parse(R"({"eval_hre": 0.25, "eval_hre_half_interval": 0.04999999999999999,
      "eval_hre_pairs": 0.6, "eval_hre_since_first": 0.125, "eval_hre_since_first_half_interval": 0.05,
      "eval_hre_questions": 7.0, "eval_hre_seconds": 1.5, "eval_hre_gate": -1})"));

  answer = ask("POST", "/axolotl", event);
  end(run_next(), JobStatus::kFailed, "it broke");
  const auto failed = answer.later();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->status, 500);
  EXPECT_EQ(json::parse(failed->body)["status"], "failed");
  EXPECT_EQ(json::parse(failed->body)["error"], "it broke");
}

TEST_F(RoutesTest, ATrainingPolls) {
  const std::string event = R"({"event": "train_end", "step": 9, "checkpoint_dir": "checkpoint-5", "output_dir": "."})";
  const json queued = json::parse(ask("POST", "/axolotl/queue", event).body);
  EXPECT_EQ(queued["status"], "queued");
  EXPECT_EQ(queued["job_id"], "1");
  EXPECT_EQ(json::parse(ask("GET", "/axolotl/queue/1").body)["status"], "queued");
  const store::Job job = run_next();
  EXPECT_EQ(json::parse(ask("GET", "/axolotl/queue/1").body)["status"], "running");
  end(job, JobStatus::kFailed, "it broke");
  const ServerAnswer failed = ask("GET", "/axolotl/queue/1");
  EXPECT_EQ(failed.status, 200) << "other statuses are polled again";
  EXPECT_EQ(json::parse(failed.body)["status"], "failed");
  EXPECT_THAT(error(400, ask("POST", "/axolotl", "{}")), HasSubstr("event: is missing"));
  error(400, ask("POST", "/axolotl", R"({"event": "save", "step": -1, "checkpoint_dir": "x"})"));
  error(422, ask("POST", "/axolotl", R"({"event": "save", "step": 1, "checkpoint_dir": "/etc", "output_dir": "."})"));
  error(422, ask("POST", "/axolotl", R"({"event": "save", "step": 1, "checkpoint_dir": ".", "output_dir": "/etc"})"));
}

TEST_F(RoutesTest, ShowsThePage) {
  EXPECT_THAT(error(404, ask("GET", "/")), HasSubstr("no page yet"));
  std::ofstream(root_ / "page.html") << "<html>";
  const ServerAnswer page = ask("GET", "/");
  EXPECT_EQ(page.body, "<html>");
  EXPECT_THAT(page.headers, testing::Contains(testing::Pair("Content-Type", "text/html; charset=utf-8")));
}

TEST_F(RoutesTest, ARunThatIsGoneIsTold) {
  submit(R"({"model": "baseline:zstd"})");
  end(run_next(), JobStatus::kCompleted, "", "{}");
  EXPECT_THAT(error(410, ask("GET", "/jobs/1/result")), HasSubstr("the run is gone"));
}

TEST_F(RoutesTest, Metrics) {
  submit(R"({"model": "a.gguf"})");
  end(run_next(), JobStatus::kCompleted, "", kResult);
  submit(R"({"model": "a.gguf"})");
  ask("GET", "/nothing");
  const std::string text = ask("GET", "/metrics").body;
  for (const char* line : {"hre_build_info{version=\"1.2.3\"} 1\n", "hre_jobs{status=\"queued\"} 1\n",
                           "hre_jobs{status=\"completed\"} 1\n", "hre_jobs_queued_max 3\n", "hre_last_value 0.25\n",
                           "hre_http_requests_total{code=\"404\"} 1\n", "# TYPE hre_http_requests_total counter\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

/// A store that can't be written, or is locked, is a failure of the service, and the next request may go well.
TEST_F(RoutesTest, TroubleOfTheStoreIsTold) {
  fs::rename(root_ / "runs.db", root_ / "moved.db");
  EXPECT_THAT(error(500, ask("POST", "/jobs", R"({"model": "a.gguf"})")), HasSubstr("store"));
  fs::rename(root_ / "moved.db", root_ / "runs.db");
  submit(R"({"model": "a.gguf"})");
}

}  // namespace
}  // namespace hre::service
