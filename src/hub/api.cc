#include "hub/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/text.h"
#include "hub/digest.h"
#include "net/url.h"

namespace hre::hub {
namespace {

using nlohmann::json;

constexpr size_t kMostFiles = 200'000;
constexpr int64_t kLargestFile = int64_t{1} << 50;

json parse_json(const std::string& text) { return json::parse(text, nullptr, false); }

/// A member that is a string; empty if it is missing or of another type.
std::string text_at(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<int64_t> number_at(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (found == object.end() || !found->is_number_integer()) return std::nullopt;
  const auto number = found->get<int64_t>();
  if (number < 0 || number > kLargestFile) return std::nullopt;
  return number;
}

std::string kind_path(RepoKind kind) { return kind == RepoKind::kModel ? "models" : "datasets"; }

/// The web address of a repository, which is also the root of its files' addresses.
std::string repository_url(const HubSettings& settings, RepoKind kind, const std::string& repository) {
  return settings.endpoint + (kind == RepoKind::kDataset ? "/datasets/" : "/") + repository;
}

std::string api_url(const HubSettings& settings, RepoKind kind, const std::string& repository) {
  return settings.endpoint + "/api/" + kind_path(kind) + "/" + repository;
}

Error not_allowed(const net::HttpResponse& response, const std::string& code, RepoKind kind, const HubName& name,
                  const HubSettings& settings) {
  const std::string page = net::shown_url(repository_url(settings, kind, name.repository));
  if (code == "GatedRepo") {
    const bool anonymous = settings.token.empty();
    return {ErrorCode::kInput, "access requires that you accept the repository's terms", "hf:" + name.repository,
            "accept them at " + page +
                (anonymous ? ", and set HF_TOKEN to your token" : " with the account that the token belongs to")};
  }
  if (!settings.token.empty()) {
    return {
        ErrorCode::kInput, fmt::format("the hub rejected the token ({})", response.status), "hf:" + name.repository,
        "check the name and HF_TOKEN: the token may be wrong, expired, or not allowed to read this " + kind_word(kind)};
  }
  return {ErrorCode::kInput,
          fmt::format("there is no such {}, or it is private ({})", kind_word(kind), response.status),
          "hf:" + name.repository, "check the name; if the repository is private, set HF_TOKEN to your token"};
}

Error not_found(const std::string& code, RepoKind kind, const HubName& name, const HubSettings& settings) {
  if (code == "RevisionNotFound") {
    return {ErrorCode::kInput, "there is no revision '" + name.revision + "'", "hf:" + name.repository,
            "its branches and tags are listed at " + net::shown_url(repository_url(settings, kind, name.repository)) +
                "/tree/main"};
  }
  if (code == "EntryNotFound") {
    return {ErrorCode::kInput, "there is no file " + name.file, "hf:" + name.repository + "@" + name.revision, ""};
  }
  const std::string other =
      kind == RepoKind::kModel ? "a dataset is given with ‹data› or to hre data" : "a model can't be used as DATA";
  return {ErrorCode::kInput, "there is no such " + kind_word(kind) + " on the hub", "hf:" + name.repository,
          "check the name at " + net::shown_url(settings.endpoint) + "; " + other};
}

Error busy(const net::HttpResponse& response, const HubName& name) {
  if (response.status == 429) {
    const auto wait = net::retry_after(response);
    const std::string when = wait ? fmt::format("in {} s", wait->count() / 1000) : "in a few minutes";
    return {ErrorCode::kFailed, "the hub reports too many requests (429)", "hf:" + name.repository,
            "try again " + when + "; the hub allows more if HF_TOKEN is set"};
  }
  return {ErrorCode::kFailed, fmt::format("the hub reports an error of its own ({})", response.status),
          "hf:" + name.repository, "try again later"};
}

}  // namespace

Error error_of(const net::HttpResponse& response, RepoKind kind, const HubName& name, const HubSettings& settings) {
  const std::string code = response.header("x-error-code").value_or("");
  if (response.status == 401 || response.status == 403) return not_allowed(response, code, kind, name, settings);
  if (response.status == 404) return not_found(code, kind, name, settings);
  if (response.status == 429 || response.status >= 500) return busy(response, name);
  std::string said = response.header("x-error-message").value_or(text_at(parse_json(response.body), "error"));
  if (said.size() > 300 || find_invalid_utf8(said)) said.clear();
  net::take_out(said, settings.token);
  return {ErrorCode::kFailed, fmt::format("the hub answered {}{}{}", response.status, said.empty() ? "" : ": ", said),
          net::shown_url(response.url), ""};
}

Result<std::string> parse_commit(const std::string& text) {
  const std::string commit = text_at(parse_json(text), "sha");
  if (!is_commit(commit))
    return fail(ErrorCode::kFailed, "the hub's answer names no commit", "",
                "check that HF_ENDPOINT is a hub's address");
  return commit;
}

Status parse_tree_page(const std::string& text, std::vector<RepoFile>& files) {
  const json page = parse_json(text);
  if (!page.is_array())
    return fail(ErrorCode::kFailed, "the hub's answer is not a list of files", "",
                "check that HF_ENDPOINT is a hub's address");
  for (const json& entry : page) {
    if (text_at(entry, "type") != "file") continue;
    const json none;
    const json& lfs = entry.contains("lfs") && entry["lfs"].is_object() ? entry["lfs"] : none;
    const std::string path = text_at(entry, "path"), etag = text_at(lfs.is_null() ? entry : lfs, "oid");
    const auto size = number_at(lfs.is_null() ? entry : lfs, "size");
    if (!is_inner_path(path) || find_invalid_utf8(path) || !BlobDigest::is_hash(etag) || !size) {
      return fail(ErrorCode::kFailed, "the list of files has an invalid entry");
    }
    if (files.size() == kMostFiles)
      return fail(ErrorCode::kFailed, fmt::format("the repository has more than {} files", kMostFiles));
    files.push_back({path, *size, etag});
  }
  return {};
}

std::optional<std::string> next_page(const std::string& link) {
  for (size_t begin = link.find('<'); begin != std::string::npos; begin = link.find('<', begin + 1)) {
    const size_t end = link.find('>', begin);
    if (end == std::string::npos) break;
    const std::string parameters = link.substr(end + 1, link.find(',', end) - end - 1);
    if (parameters.find("rel=\"next\"") != std::string::npos || parameters.find("rel=next") != std::string::npos) {
      return link.substr(begin + 1, end - begin - 1);
    }
  }
  return std::nullopt;
}

HubApi::HubApi(HubSettings settings, net::RetryPolicy retry) : settings_(std::move(settings)), retry_(retry) {}

HubResult<net::HttpResponse> HubApi::get(RepoKind kind, const HubName& name, const std::string& url,
                                         const std::stop_token& stop) {
  constexpr size_t kMostBytes = size_t{32} << 20;
  net::HttpRequest request;
  request.url = url;
  request.bearer_token = settings_.token;
  request.timeouts = {.connect = settings_.timeout, .silence = settings_.timeout};
  request.max_body = kMostBytes;
  auto response = net::send(client_, request, retry_, stop);
  if (!response) {
    const bool unreachable = response.error().code == ErrorCode::kFailed;
    return tl::unexpected(HubFailure{std::move(response.error()), unreachable});
  }
  if (response->status != 200) {
    const bool unreachable = net::is_transient_status(response->status);
    return tl::unexpected(HubFailure{error_of(*response, kind, name, settings_), unreachable});
  }
  return std::move(*response);
}

HubResult<std::string> HubApi::commit_of(RepoKind kind, const HubName& name, const std::stop_token& stop) {
  const std::string url = api_url(settings_, kind, name.repository) + "/revision/" + net::percent_encode(name.revision);
  auto response = get(kind, name, url, stop);
  if (!response) return tl::unexpected(std::move(response.error()));
  auto commit = parse_commit(response->body);
  if (commit) return *std::move(commit);
  commit.error().where = net::shown_url(url);
  return tl::unexpected(HubFailure{std::move(commit.error()), false});
}

HubResult<Listing> HubApi::list(RepoKind kind, const HubName& name, const std::stop_token& stop) {
  constexpr int kMostPages = 2000;
  auto commit = commit_of(kind, name, stop);
  if (!commit) return tl::unexpected(std::move(commit.error()));
  Listing listing{.commit = *commit, .files = {}};
  const auto broken = [&](Error error) {
    error.where = "hf:" + name.repository;
    return tl::unexpected(HubFailure{std::move(error), false});
  };
  std::string url =
      api_url(settings_, kind, name.repository) + "/tree/" + listing.commit + "?recursive=true&expand=false";
  for (int page = 0; page < kMostPages; ++page) {
    auto response = get(kind, name, url, stop);
    if (!response) return tl::unexpected(std::move(response.error()));
    if (Status added = parse_tree_page(response->body, listing.files); !added) return broken(std::move(added.error()));
    const auto next = next_page(response->header("link").value_or(""));
    if (!next) {
      std::sort(listing.files.begin(), listing.files.end(),
                [](const auto& a, const auto& b) { return a.path < b.path; });
      return listing;
    }
    const auto target = net::resolve_url(url, *next);
    if (!target || net::origin_of(*target) != net::origin_of(url)) break;
    url = *target;
  }
  return broken({ErrorCode::kFailed, "the repository's list of files never ends", "", ""});
}

Result<FileAddress> HubApi::locate(RepoKind kind, const std::string& repository, const std::string& commit,
                                   const RepoFile& file, const std::stop_token& stop) {
  const HubName name{.repository = repository, .revision = commit, .file = file.path};
  net::HttpRequest request;
  request.method = "HEAD";
  request.url =
      repository_url(settings_, kind, repository) + "/resolve/" + commit + "/" + net::percent_encode(file.path, "/");
  request.headers = {{"Accept-Encoding", "identity"}};
  request.bearer_token = settings_.token;
  request.redirects = net::Redirects::kSameHost;
  request.timeouts = {.connect = settings_.timeout, .silence = settings_.timeout};
  auto response = net::send(client_, request, retry_, stop);
  if (!response) return forward(response);
  const bool redirect = response->status >= 300 && response->status < 400;
  if (response->status != 200 && !redirect) return tl::unexpected(error_of(*response, kind, name, settings_));

  // Mirrors and proxies send ETags of their own, so bytes are checked against the hash in the hub's listing.
  FileAddress address{.etag = file.etag, .size = file.size, .url = response->url, .foreign = redirect};
  if (redirect) address.url = net::resolve_url(response->url, response->header("location").value_or("")).value_or("");
  if (!net::origin_of(address.url)) {
    return fail(ErrorCode::kFailed, "the hub gave no address for " + file.path, "hf:" + repository,
                "check that HF_ENDPOINT is a hub's address");
  }
  return address;
}

net::HttpRequest HubApi::request_for(const FileAddress& address) const {
  net::HttpRequest request;
  request.url = address.url;
  request.headers = {{"Accept-Encoding", "identity"}};
  if (!address.foreign) request.bearer_token = settings_.token;
  request.timeouts = {.connect = settings_.timeout, .silence = settings_.timeout};
  return request;
}

}  // namespace hre::hub
