// What clients send to a service: whatever it is, the answer has a status, says what was wrong in JSON, and lets no job
// name what lies outside of the folder. The input is a method and a target, a line each for headers, an empty line and
// the body, as in HTTP.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "service/routes.h"

namespace {

namespace fs = std::filesystem;
using hre::service::JobBoard;
using hre::service::Routes;

const fs::path& root() {
  static const fs::path path = [] {
    const char* const place = fs::exists("/dev/shm") ? "/dev/shm" : "/tmp";
    const fs::path folder = fs::path(place) / ("hre-fuzz-service-" + std::to_string(getpid()));
    fs::create_directories(folder / "models" / "checkpoint-5");
    std::ofstream(folder / "models" / "a.gguf") << "x";
    std::ofstream(folder / "secret.gguf") << "x";
    std::error_code there;
    fs::create_symlink(folder / "secret.gguf", folder / "models" / "link.gguf", there);
    return fs::canonical(folder);
  }();
  return path;
}

Routes& routes(JobBoard& board) {
  static Routes made = [&] {
    auto folders = hre::service::Folders::open({(root() / "models").string()});
    auto queue = hre::store::JobQueue::open((root() / "runs.db").string());
    if (!folders || !queue) std::abort();
    hre::service::RoutesOptions options{.folders = *folders};
    options.models = {"baseline:zstd"};
    options.token = "0123456789abcdef";
    options.most_queued = 20;
    options.page = (root() / "page.html").string();
    options.result_json = [](const auto&, bool) -> hre::Result<std::string> { return std::string("{}"); };
    return Routes(std::move(options), std::move(*queue), board);
  }();
  return made;
}

void check(const hre::net::ServerAnswer& answer) {
  if (answer.status < 200 || answer.status > 599) std::abort();
  for (const auto& [name, value] : answer.headers) {
    if (value.find_first_of("\r\n") != std::string::npos) std::abort();
  }
  if (answer.status < 400) return;
  const auto json = nlohmann::json::parse(answer.body, nullptr, false);
  if (!json.is_object() || !json.contains("error") || !json["error"].is_string()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static JobBoard board([] {});
  static auto jobs = hre::store::JobQueue::open((root() / "runs.db").string());
  const std::string text(reinterpret_cast<const char*>(data), size);
  hre::net::ServerRequest request;
  size_t at = 0;
  const auto line = [&] {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string taken = text.substr(at, end - at);
    at = std::min(end + 1, text.size());
    return taken;
  };
  const std::string first = line();
  request.method = first.substr(0, first.find(' '));
  request.target = first.find(' ') == std::string::npos ? "" : first.substr(first.find(' ') + 1);
  for (std::string header = line(); !header.empty(); header = line()) {
    const size_t colon = header.find(": ");
    if (colon != std::string::npos) request.headers.emplace_back(header.substr(0, colon), header.substr(colon + 2));
  }
  Routes& service = routes(board);
  if (auto refused = service.refuse(request)) {
    check(*refused);
    return 0;
  }
  request.body = text.substr(at);
  auto answer = service.answer(request);
  check(answer);
  if (answer.later) (void)answer.later();
  if (answer.more) {
    (void)answer.more();
    (void)answer.more();
  }
  if (!jobs) std::abort();
  const auto job = jobs->take();
  if (!job) std::abort();
  if (!*job) return 0;
  const bool is_named = (*job)->model == "baseline:zstd";
  const std::string inside = (root() / "models").string();
  if (!is_named && (*job)->model != inside && !(*job)->model.starts_with(inside + "/")) std::abort();
  if (!hre::service::read_job_request((*job)->request)) std::abort();
  if (!jobs->end((*job)->id, hre::store::JobStatus::kCompleted, "", R"({"value": 0.5})")) std::abort();
  return 0;
}
