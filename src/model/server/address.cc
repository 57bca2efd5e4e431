#include "model/server/address.h"

#include <map>

#include "core/text.h"

namespace hre::server {
namespace {

constexpr char kHelp[] =
    "MODEL is server:URL[,URL...][,model=NAME][,api=vllm|sglang|llama|tgi|openai][,tokenizer=FILE.gguf]";

const std::map<std::string, Api>& api_names() {
  static const std::map<std::string, Api> names = {{"vllm", Api::kVllm},
                                                   {"sglang", Api::kSglang},
                                                   {"llama", Api::kLlama},
                                                   {"tgi", Api::kTgi},
                                                   {"openai", Api::kOpenAi}};
  return names;
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  size_t from = 0;
  for (size_t comma = text.find(','); comma != std::string::npos; comma = text.find(',', from)) {
    parts.push_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  parts.push_back(text.substr(from));
  return parts;
}

/// A password must not appear in a message, so these errors don't show the URL.
Result<std::string> clean_url(std::string url) {
  const size_t host = url.find("://") + 3;
  const std::string authority = url.substr(host, url.find('/', host) - host);
  if (authority.find('@') != std::string::npos) {
    return input_error("a URL must not contain a user name or password", "server",
                       "put the key into HRE_API_KEY or a file");
  }
  if (url.find_first_of("?#") != std::string::npos) {
    return input_error("a URL must end with its path", "server", "put the key into HRE_API_KEY or a file");
  }
  if (authority.empty()) return input_error("a URL has no host", "server", kHelp);
  while (url.ends_with('/')) url.pop_back();
  if (url.ends_with("/v1")) url.resize(url.size() - 3);
  while (url.ends_with('/')) url.pop_back();
  return url;
}

Status set(Address& address, const std::string& name, const std::string& value) {
  if (value.empty()) return input_error("'" + name + "=' has no value", "server", kHelp);
  if (name == "model") {
    address.model = value;
  } else if (name == "tokenizer") {
    address.tokenizer = value;
  } else if (name == "api") {
    const auto found = api_names().find(value);
    if (found == api_names().end()) return input_error("unknown api '" + value + "'", "server", kHelp);
    address.api = found->second;
  } else {
    const auto nearest = nearest_name(name, {"model", "api", "tokenizer"});
    return input_error("unknown setting '" + name + "'", "server", nearest ? "did you mean " + *nearest + "=?" : kHelp);
  }
  return {};
}

}  // namespace

std::string api_name(Api api) {
  for (const auto& [name, value] : api_names()) {
    if (value == api) return name;
  }
  return "";
}

Result<Address> parse_address(const std::string& source) {
  Address address;
  const std::string prefix = "server:";
  if (!source.starts_with(prefix)) return input_error("is not a server", source, kHelp);
  for (const std::string& part : split_at_commas(source.substr(prefix.size()))) {
    if (part.starts_with("http://") || part.starts_with("https://")) {
      auto url = clean_url(part);
      if (!url) return forward(url);
      address.urls.push_back(std::move(*url));
      continue;
    }
    const size_t equals = part.find('=');
    if (equals == std::string::npos) {
      const bool secret = part.find('@') != std::string::npos;
      return input_error(secret ? "a URL must begin with http:// or https:// and contain no password"
                                : "'" + part + "' is neither a URL with http:// or https:// nor NAME=VALUE",
                         "server", kHelp);
    }
    if (auto ok = set(address, part.substr(0, equals), part.substr(equals + 1)); !ok) return forward(ok);
  }
  if (address.urls.empty()) return input_error("no URL is given", "server", kHelp);
  return address;
}

}  // namespace hre::server
