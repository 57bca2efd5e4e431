#include "service/routes.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/files.h"
#include "core/text.h"
#include "core/visible.h"

namespace hre::service {
namespace {

using Json = nlohmann::ordered_json;
using net::ServerAnswer;
using net::ServerRequest;
using store::Job;
using store::JobStatus;

constexpr int64_t kMostListed = 1000, kListed = 100;
constexpr std::chrono::seconds kAlive{15};  // after which a stream says that it is still there

/// On every answer: other sites' pages in the same browser get nothing of it.
const net::Headers& safe_headers() {
  static const net::Headers headers = {{"Cache-Control", "no-store"},
                                       {"X-Content-Type-Options", "nosniff"},
                                       {"X-Frame-Options", "DENY"},
                                       {"Referrer-Policy", "no-referrer"},
                                       {"Cross-Origin-Resource-Policy", "same-origin"}};
  return headers;
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

ServerAnswer text_answer(int status, const std::string& type, std::string body) {
  ServerAnswer answer{.status = status, .headers = safe_headers(), .body = std::move(body)};
  answer.headers.emplace_back("Content-Type", type);
  return answer;
}

ServerAnswer json_answer(int status, std::string text) {
  return text_answer(status, "application/json", std::move(text));
}

Json parsed(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  return json.is_discarded() ? Json(nullptr) : json;
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

std::optional<int64_t> whole(std::string_view text) {
  int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

std::string decode_base64(std::string_view text) {
  std::string bytes;
  uint32_t bits = 0;
  int n_bits = 0;
  for (const char c : text) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) break;
    bits = (bits << 6 | static_cast<uint32_t>(digit)) & 0xffffff;
    n_bits += 6;
    if (n_bits < 8) continue;
    n_bits -= 8;
    bytes += static_cast<char>(bits >> n_bits & 0xff);
  }
  return bytes;
}

/// "localhost" of "localhost:8765", "[::1]" of "[::1]:8765".
std::string host_name(const std::string& host) {
  const size_t bracket = host.rfind(']'), colon = host.find(':', bracket == std::string::npos ? 0 : bracket);
  return lower(host.substr(0, colon));
}

/// Names under which only this machine reaches itself. A page of another site that made its own name lead here (DNS
/// rebinding) sends that name.
bool is_local_host(const std::string& host) {
  std::string name = host_name(host);
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  return name == "localhost" || net::is_loopback(name);
}

/// Methods of a path; empty: there is no such path.
std::vector<std::string> methods_of(const std::vector<std::string>& path) {
  const size_t n = path.size();
  const bool has_id = n >= 2 && whole(path[1]).has_value();
  if (n == 0 || (n == 1 && (path[0] == "health" || path[0] == "metrics"))) return {"GET"};
  if (n == 1 && path[0] == "jobs") return {"GET", "POST"};
  if (n == 2 && path[0] == "jobs" && has_id) return {"GET", "DELETE"};
  if (n == 3 && path[0] == "jobs" && has_id && (path[2] == "result" || path[2] == "events")) return {"GET"};
  if (path[0] == "axolotl" && n == 1) return {"POST"};
  if (path[0] == "axolotl" && n == 2 && path[1] == "queue") return {"POST"};
  if (path[0] == "axolotl" && n == 3 && path[1] == "queue" && whole(path[2])) return {"GET"};
  return {};
}

/// HEAD is GET whose body isn't sent.
std::string method_of(const ServerRequest& request) { return request.method == "HEAD" ? "GET" : request.method; }

Json progress_json(const JobProgress& progress) {
  return {{"stage", text_or_null(progress.stage)}, {"done", progress.done},   {"total", progress.total},
          {"unit", text_or_null(progress.unit)},   {"share", progress.share}, {"note", text_or_null(progress.note)}};
}

std::string event_text(const std::string& name, const std::string& data) {
  return "event: " + name + "\ndata: " + data + (data.ends_with('\n') ? "\n" : "\n\n");
}

/// A label's value in Prometheus' text format.
std::string label(const std::string& value) {
  std::string text;
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

/// Bytes of memory that this process has; 0 where the system can't say.
int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

/// The training's view of a job that has ended.
Json training_answer(const Job& job) {
  Json json = {{"status", store::job_status_name(job.status)}, {"job_id", std::to_string(job.id)}};
  json["metrics"] = job.result.empty() ? Json::object() : parsed(training_metrics_json(job.result));
  if (!job.why.empty()) json["error"] = job.why;
  return json;
}

}  // namespace

struct Routes::Target {
  std::vector<std::string> path;  // "jobs", "7"
  std::map<std::string, std::string> query;

  /// Only what this interface has is understood, and none of its names needs an escape.
  explicit Target(const std::string& target) {
    const size_t mark = target.find('?');
    const std::string place = target.substr(0, mark);
    for (size_t at = 0; at < place.size();) {
      const size_t end = std::min(place.find('/', at), place.size());
      if (end > at) path.push_back(place.substr(at, end - at));
      at = end + 1;
    }
    for (size_t at = mark == std::string::npos ? target.size() : mark + 1; at < target.size();) {
      const size_t end = std::min(target.find('&', at), target.size());
      const std::string pair = target.substr(at, end - at);
      const size_t equals = std::min(pair.find('='), pair.size());
      query[pair.substr(0, equals)] = equals == pair.size() ? "" : pair.substr(equals + 1);
      at = end + 1;
    }
  }
};

bool equal_in_constant_time(const std::string& given, const std::string& secret) {
  size_t difference = given.size() ^ secret.size();
  for (size_t i = 0; i < secret.size(); ++i) {
    const char c = given.empty() ? '\0' : given[i % given.size()];
    difference |= static_cast<size_t>(static_cast<unsigned char>(c) ^ static_cast<unsigned char>(secret[i]));
  }
  return difference == 0;
}

std::string training_metrics_json(const std::string& line) {
  const Json result = parsed(line);
  Json metrics = Json::object();
  const auto number = [](const Json& json, const char* name) -> std::optional<double> {
    if (!json.is_object()) return std::nullopt;
    const auto found = json.find(name);
    if (found == json.end() || !found->is_number()) return std::nullopt;
    return found->get<double>();
  };
  const auto half_interval = [](const Json& json) -> std::optional<double> {
    if (!json.is_object()) return std::nullopt;
    const auto found = json.find("ci95");
    if (found == json.end() || !found->is_array() || found->size() != 2) return std::nullopt;
    if (!(*found)[0].is_number() || !(*found)[1].is_number()) return std::nullopt;
    return ((*found)[1].get<double>() - (*found)[0].get<double>()) / 2;
  };
  const auto put = [&](const std::string& name, const std::optional<double>& value) {
    if (value) metrics[name] = *value;
  };
  put("eval_hre", number(result, "value"));
  put("eval_hre_half_interval", half_interval(result));
  put("eval_hre_pairs", number(result, "pairwise_accuracy"));
  put("eval_hre_bits_per_byte", number(result, "bits_per_byte"));
  for (const std::string name : {"first", "last", "best"}) {
    const Json since = result.is_object() ? result.value("since_" + name, Json()) : Json();
    put("eval_hre_since_" + name, number(since, "difference"));
    put("eval_hre_since_" + name + "_half_interval", half_interval(since));
  }
  put("eval_hre_questions", number(result, "questions"));
  put("eval_hre_seconds", number(result, "seconds"));
  const Json gate = result.is_object() ? result.value("gate", Json()) : Json();
  if (gate.is_string()) metrics["eval_hre_gate"] = gate == "pass" ? 1 : gate == "fail" ? -1 : 0;
  return metrics.dump();
}

Routes::Routes(RoutesOptions options, store::JobQueue queue, JobBoard& board)
    : options_(std::move(options)), queue_(std::move(queue)), board_(board) {}

ServerAnswer Routes::counted(ServerAnswer answer) {
  ++n_answers_[answer.status];
  return answer;
}

ServerAnswer Routes::error(int status, const std::string& message) {
  ServerAnswer answer = json_answer(status, dump({{"error", visible_line(message)}}));
  if (status == 429 || status == 503) answer.headers.emplace_back("Retry-After", "10");
  if (status == 401) answer.headers.emplace_back("WWW-Authenticate", "Basic realm=\"hre\", charset=\"UTF-8\"");
  return answer;
}

ServerAnswer Routes::failure(const Error& problem, int status_of_input) {
  if (problem.code == ErrorCode::kThreshold) return error(429, problem.text());
  return error(problem.code == ErrorCode::kInput ? status_of_input : 500, problem.text());
}

/// "Authorization: Bearer TOKEN"; browsers ask for a password, which is the token.
bool Routes::is_authorised(const ServerRequest& request) const {
  if (options_.token.empty()) return true;
  const std::string given = request.header("authorization").value_or("");
  const size_t space = std::min(given.find(' '), given.size());
  const std::string kind = lower(given.substr(0, space));
  std::string secret = given.substr(std::min(given.find_first_not_of(' ', space), given.size()));
  if (kind == "basic") {
    const std::string both = decode_base64(secret);
    const size_t colon = both.find(':');
    secret = colon == std::string::npos ? "" : both.substr(colon + 1);
  } else if (kind != "bearer") {
    return false;
  }
  return equal_in_constant_time(secret, options_.token);
}

/// What only a page of another site, in a browser on this machine, would send.
std::optional<ServerAnswer> Routes::refuse_origin(const ServerRequest& request) {
  const std::string host = request.header("host").value_or("");
  if (options_.is_loopback && !is_local_host(host)) {
    return error(403, "this service is asked for by the name localhost or a loopback address, not by '" +
                          host.substr(0, 100) + "'");
  }
  if (const auto origin = request.header("origin")) {
    const size_t name = origin->find("://");
    if (name == std::string::npos || lower(origin->substr(name + 3)) != lower(host)) {
      return error(403, "pages of other sites may not call this service");
    }
  }
  if (const auto site = request.header("sec-fetch-site"); site && *site != "same-origin" && *site != "none") {
    return error(403, "pages of other sites may not call this service");
  }
  return std::nullopt;
}

std::optional<ServerAnswer> Routes::refuse(const ServerRequest& request) {
  auto refused = [&]() -> std::optional<ServerAnswer> {
    if (auto foreign = refuse_origin(request)) return foreign;
    if (const auto encoding = request.header("transfer-encoding")) {
      if (lower(*encoding) != "chunked") return error(501, "the only transfer encoding is chunked");
      if (request.header("content-length")) return error(400, "a body has one length: chunked, or Content-Length");
    }
    const Target target(request.target);
    const bool is_public = target.path == std::vector<std::string>{"health"};
    if (!is_public && !is_authorised(request)) {
      return error(401, "this service needs its token: Authorization: Bearer TOKEN");
    }
    const auto methods = methods_of(target.path);
    if (methods.empty()) return error(404, "there is nothing at this path");
    if (std::ranges::find(methods, method_of(request)) == methods.end()) {
      ServerAnswer answer = error(405, "this path knows " + join(methods) + " only");
      answer.headers.emplace_back("Allow", join(methods));
      return answer;
    }
    if (request.method != "POST") return std::nullopt;
    // Other sites' pages can't send this type without being asked first, which nobody answers.
    const std::string type = lower(request.header("content-type").value_or(""));
    if (type.substr(0, type.find(';')) != "application/json") return error(415, "the body must be application/json");
    return std::nullopt;
  }();
  if (refused) return counted(*refused);
  return refused;
}

ServerAnswer Routes::answer(const ServerRequest& request) { return counted(route(request)); }

ServerAnswer Routes::route(const ServerRequest& request) {
  const Target target(request.target);
  const auto methods = methods_of(target.path);
  const std::string method = method_of(request);
  if (std::ranges::find(methods, method) == methods.end()) return error(404, "there is nothing at this path");
  if (target.path.empty()) return page();
  if (target.path[0] == "health") return json_answer(200, dump({{"status", "ok"}}));
  if (target.path[0] == "metrics") return metrics();
  if (target.path.size() == 1 && target.path[0] == "jobs") {
    return method == "POST" ? submit(request.body) : list(target);
  }
  if (target.path[0] == "axolotl" && method == "POST") {
    return training_event(request.body, target.path.size() == 1);
  }
  return job_route(request, target);
}

Result<Job> Routes::enqueue(JobRequest request) {
  if (std::ranges::find(options_.models, request.model) == options_.models.end()) {
    auto path = options_.folders.resolve(request.model);
    if (!path) {
      if (!options_.models.empty()) path.error().next = "it may also be " + join(options_.models, " or ");
      return forward(path);
    }
    request.model = *path;
  }
  if (!request.training.empty()) {
    auto path = options_.folders.resolve(request.training);
    if (!path) return forward(path);
    request.training = *path;
  }
  auto job = queue_.add(request.model, job_request_json(request), options_.most_queued);
  if (!job) return forward(job);
  if (!*job) {
    return fail(ErrorCode::kThreshold, fmt::format("the queue is full: {} jobs wait", options_.most_queued), "",
                "submit it again later");
  }
  board_.queue_changed();
  return std::move(**job);
}

ServerAnswer Routes::submit(const std::string& body) {
  auto request = parse_job_request(body);
  if (!request) return failure(request.error(), 400);
  const auto job = enqueue(std::move(*request));
  if (!job) return failure(job.error(), 422);
  ServerAnswer answer = json_answer(201, job_text(*job));
  answer.headers.emplace_back("Location", fmt::format("/jobs/{}", job->id));
  return answer;
}

/// A training that waits gets a status of failure for a job that failed, because axolotl ends the training by it where
/// that is asked for; one that polls gets it in the JSON, because it takes other statuses for passing trouble.
ServerAnswer Routes::training_event(const std::string& body, bool waits) {
  auto request = parse_training_event(body);
  if (!request) return failure(request.error(), 400);
  const auto job = enqueue(std::move(*request));
  if (!job) return failure(job.error(), 422);
  if (!waits) {
    return json_answer(200, dump({{"status", "queued"}, {"job_id", std::to_string(job->id)}}));
  }
  ServerAnswer answer;
  answer.later = [this, id = job->id, seen = uint64_t{0}]() mutable -> std::optional<ServerAnswer> {
    if (const uint64_t version = board_.queue_version(); std::exchange(seen, version) == version) return std::nullopt;
    const auto now = queue_.find(id);
    if (!now) return failure(now.error(), 500);
    if (!*now) return error(500, fmt::format("job {} is no longer in the store", id));
    if (!(*now)->has_ended()) return std::nullopt;
    return json_answer((*now)->status == JobStatus::kFailed ? 500 : 200, dump(training_answer(**now)));
  };
  return answer;
}

std::string Routes::job_text(const Job& job) const {
  Json json = {{"id", job.id},
               {"status", store::job_status_name(job.status)},
               {"model", job.model},
               {"request", parsed(job.request)},
               {"created", text_or_null(job.created)},
               {"started", text_or_null(job.started)},
               {"ended", text_or_null(job.ended)},
               {"attempts", job.attempts}};
  const JobProgress progress = board_.progress();
  json["progress"] = progress.job == job.id ? progress_json(progress) : Json(nullptr);
  json["why"] = text_or_null(job.why);
  json["result"] = job.result.empty() ? Json(nullptr) : parsed(job.result);
  return dump(json);
}

/// {"jobs": [...]}: the latest first; "before" is the number to ask for the next ones by.
ServerAnswer Routes::list(const Target& target) {
  std::optional<JobStatus> status;
  int64_t before = std::numeric_limits<int64_t>::max(), most = kListed;
  for (const auto& [name, value] : target.query) {
    const auto number = whole(value);
    if (name == "status") {
      status = store::job_status(value);
      if (!status) return error(400, "status is queued, running, completed, failed or cancelled");
    } else if (name == "before" && number) {
      before = *number;
    } else if (name == "limit" && number && *number >= 1 && *number <= kMostListed) {
      most = *number;
    } else {
      return error(400, fmt::format("a list knows status, before and limit (at most {})", kMostListed));
    }
  }
  const auto jobs = queue_.list(status, before, most);
  if (!jobs) return failure(jobs.error(), 500);
  Json list = Json::array();
  for (const Job& job : *jobs) list.push_back(parsed(job_text(job)));
  const bool are_more = static_cast<int64_t>(jobs->size()) == most;
  return json_answer(200, dump({{"jobs", list}, {"before", are_more ? Json(jobs->back().id) : Json(nullptr)}}));
}

ServerAnswer Routes::job_route(const ServerRequest& request, const Target& target) {
  const bool is_training = target.path[0] == "axolotl";
  const int64_t id = whole(target.path[is_training ? 2 : 1]).value_or(0);
  auto job = queue_.find(id);
  if (!job) return failure(job.error(), 500);
  if (!*job) return error(404, fmt::format("there is no job {}", id));
  if (is_training) return json_answer(200, dump(training_answer(**job)));
  if (method_of(request) == "DELETE") return cancel(**job);
  if (target.path.size() == 2) return json_answer(200, job_text(**job));
  if (target.path[2] == "events") return events(id);
  if ((*job)->status != JobStatus::kCompleted) {
    return error(409, fmt::format("job {} is {}", id, store::job_status_name((*job)->status)) +
                          ((*job)->why.empty() ? "" : ": " + (*job)->why));
  }
  const auto details = target.query.find("details");
  auto json = options_.result_json(**job, details != target.query.end() && details->second != "false");
  if (!json) return failure(json.error(), 410);
  return json_answer(200, std::move(*json));
}

ServerAnswer Routes::cancel(const Job& job) {
  const auto was_queued = queue_.cancel(job.id);
  if (!was_queued) return failure(was_queued.error(), 500);
  const auto now = queue_.find(job.id);
  if (!now || !*now) return error(500, "the store could not be read");
  if (*was_queued) board_.queue_changed();
  if (*was_queued) return json_answer(200, job_text(**now));
  if ((*now)->has_ended()) {
    return error(409, fmt::format("job {} has ended: it is {}", job.id, store::job_status_name((*now)->status)));
  }
  board_.cancel(job.id);
  return json_answer(202, job_text(**now));
}

/// Server-sent events: the job when its status changes, named by the status, and "progress" in between. It ends with
/// the job.
ServerAnswer Routes::events(int64_t id) {
  ServerAnswer answer = text_answer(200, "text/event-stream; charset=utf-8", "");
  struct Seen {
    uint64_t queue = 0, progress = 0;
    std::optional<JobStatus> status;
    bool has_ended = false;
    std::chrono::steady_clock::time_point told = std::chrono::steady_clock::now();
  };
  answer.more = [this, id, seen = Seen{}]() mutable -> std::optional<std::string> {
    if (seen.has_ended) return std::nullopt;
    std::string text;
    if (const uint64_t version = board_.queue_version(); std::exchange(seen.queue, version) != version) {
      const auto job = queue_.find(id);
      if (!job || !*job) return std::nullopt;
      if (std::exchange(seen.status, (*job)->status) != (*job)->status) {
        text += event_text(store::job_status_name((*job)->status), job_text(**job));
      }
      seen.has_ended = (*job)->has_ended();
    }
    const JobProgress progress = board_.progress();
    const bool is_news = std::exchange(seen.progress, progress.version) != progress.version;
    if (is_news && progress.job == id && !progress.stage.empty() && !seen.has_ended) {
      text += event_text("progress", dump(progress_json(progress)));
    }
    const auto now = std::chrono::steady_clock::now();
    if (text.empty() && now - seen.told >= kAlive) text = ": alive\n\n";
    if (!text.empty()) seen.told = now;
    return text;
  };
  return answer;
}

ServerAnswer Routes::page() {
  constexpr int64_t kLargest = int64_t{256} << 20;
  if (!path_exists(options_.page)) return error(404, "there is no page yet: no job was completed");
  auto html = read_file(options_.page, kLargest);
  if (!html) return failure(html.error(), 500);
  return text_answer(200, "text/html; charset=utf-8", std::move(*html));
}

/// Prometheus' text format, version 0.0.4.
ServerAnswer Routes::metrics() {
  const auto counts = queue_.counts();
  if (!counts) return failure(counts.error(), 500);
  std::string text;
  const auto begin = [&](const char* name, const char* kind, const char* help) {
    text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, kind);
  };
  begin("hre_build_info", "gauge", "The version of hre.");
  text += fmt::format("hre_build_info{{version=\"{}\"}} 1\n", label(options_.version));
  begin("hre_jobs", "gauge", "Jobs in the store by status.");
  for (size_t i = 0; i < counts->size(); ++i) {
    text +=
        fmt::format("hre_jobs{{status=\"{}\"}} {}\n", store::job_status_name(static_cast<JobStatus>(i)), (*counts)[i]);
  }
  begin("hre_jobs_queued_max", "gauge", "Queued jobs at which further ones are refused.");
  text += fmt::format("hre_jobs_queued_max {}\n", options_.most_queued);
  const JobProgress progress = board_.progress();
  begin("hre_job_progress_ratio", "gauge", "How much of its stage the running job has done; 0 where none runs.");
  text += fmt::format("hre_job_progress_ratio {}\n", progress.share);
  begin("hre_http_requests_total", "counter", "Answers by status since the service began.");
  for (const auto& [status, n] : n_answers_)
    text += fmt::format("hre_http_requests_total{{code=\"{}\"}} {}\n", status, n);
  begin("hre_http_connections", "gauge", "Open connections.");
  text += fmt::format("hre_http_connections {}\n", options_.connections ? options_.connections() : 0);
  if (const auto last = queue_.list(JobStatus::kCompleted, std::numeric_limits<int64_t>::max(), 1);
      last && !last->empty()) {
    const Json result = parsed(last->front().result);
    const auto put = [&](const char* name, const char* field, const char* help) {
      if (!result.is_object() || !result.contains(field) || !result[field].is_number()) return;
      begin(name, "gauge", help);
      text += fmt::format("{} {}\n", name, result[field].get<double>());
    };
    put("hre_last_value", "value", "The HumanRankEval value of the last job that was completed.");
    put("hre_last_step", "step", "The training's step of that job.");
    put("hre_last_seconds", "seconds", "How long that job took.");
  }
  begin("process_resident_memory_bytes", "gauge", "Resident memory.");
  text += fmt::format("process_resident_memory_bytes {}\n", resident_bytes());
  return text_answer(200, "text/plain; version=0.0.4; charset=utf-8", std::move(text));
}

}  // namespace hre::service
