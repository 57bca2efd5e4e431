#include "model/llama/rpc_servers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstring>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "model/llama/failures.h"

namespace hre {
namespace {

using AddServer = ggml_backend_reg_t (*)(const char*);

constexpr auto kPatience = std::chrono::seconds(10);

struct Servers {
  std::mutex mutex;
  std::map<std::string, std::vector<ggml_backend_dev_t>> devices;  // by HOST:PORT
};

Servers& servers_here() {
  static Servers servers;
  return servers;
}

bool is_address(const std::string& text) {
  const size_t colon = text.find(':');
  return colon != std::string::npos && colon > 0 && colon + 1 < text.size() && text.size() - colon <= 6 &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(colon) + 1, text.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

AddServer find_rpc() {
  ggml_backend_reg_t rpc = ggml_backend_reg_by_name("RPC");
  if (rpc == nullptr) return nullptr;
  return reinterpret_cast<AddServer>(ggml_backend_reg_get_proc_address(rpc, "ggml_backend_rpc_add_server"));
}

/// libllama waits for an answer without a limit. So it runs in a separate thread, which is abandoned if no answer
/// comes.
Result<ggml_backend_reg_t> ask(AddServer add, const std::string& server) {
  std::promise<ggml_backend_reg_t> promise;
  auto answer = promise.get_future();
  take_error_log();
  std::thread([add, server, promise = std::move(promise)]() mutable {
    const AssertionGuard guard(AssertionGuard::Kind::kProbe);
    try {
      promise.set_value(add(server.c_str()));
    } catch (...) {
      promise.set_exception(std::current_exception());
    }
  }).detach();
  if (answer.wait_for(kPatience) != std::future_status::ready) {
    return fail(ErrorCode::kFailed, fmt::format("no answer within {} s", kPatience.count()), server,
                "an rpc-server serves one program at a time");
  }
  try {
    ggml_backend_reg_t devices = answer.get();
    if (devices != nullptr && ggml_backend_reg_dev_count(devices) > 0) return devices;
  } catch (const std::exception&) {
    return fail(ErrorCode::kFailed, "the program that answers is not an RPC server", server, "start rpc-server there");
  }
  if (take_error_log().find("version mismatch") != std::string::npos) {
    return fail(ErrorCode::kFailed, "the RPC server has another version", server,
                "start the rpc-server that was built with this hre's engine");
  }
  return fail(ErrorCode::kFailed, "no RPC server answers", server, "start rpc-server there");
}

/// A server's memory in bytes, a cheap request to see whether it answers; nothing if it does not.
std::optional<size_t> total_memory(ggml_backend_dev_t device) {
  const AssertionGuard guard(AssertionGuard::Kind::kProbe);
  try {
    size_t free = 0, total = 0;
    ggml_backend_dev_memory(device, &free, &total);
    return total;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace

Status add_rpc_servers(const std::vector<std::string>& servers) {
  if (servers.empty()) return {};
  const AddServer add = find_rpc();
  if (add == nullptr) {
    return input_error("this build's engine has no RPC", "‹rpc›",
                       "build the engine with HRE_ENGINE_OPTIONS=-DGGML_RPC=ON");
  }
  if (rpc_server_is_lost()) {
    return fail(ErrorCode::kFailed, "an RPC server was lost earlier", "‹rpc›", "start hre again");
  }
  Servers& here = servers_here();
  const std::lock_guard lock(here.mutex);
  for (const std::string& server : servers) {
    if (!is_address(server))
      return input_error("'" + server + "' is not HOST:PORT", "‹rpc›", "for example ‹rpc› 10.0.0.7:50052");
    if (here.devices.contains(server)) continue;
    auto devices = ask(add, server);
    if (!devices) return forward(devices);
    ggml_backend_register(*devices);
    for (size_t i = 0; i < ggml_backend_reg_dev_count(*devices); ++i) {
      here.devices[server].push_back(ggml_backend_reg_dev_get(*devices, i));
    }
  }
  return {};
}

Error lost_rpc_server() {
  return {ErrorCode::kFailed, "an RPC server is gone or sends invalid data", "",
          "start the server again; the same command resumes from the stored answers"};
}

bool rpc_servers_answer() {
  if (rpc_server_is_lost()) return false;
  Servers& here = servers_here();
  const std::lock_guard lock(here.mutex);
  return std::all_of(here.devices.begin(), here.devices.end(),
                     [](const auto& server) { return total_memory(server.second.front()).value_or(0) > 0; });
}

std::string describe_rpc_device(ggml_backend_dev_t device) {
  ggml_backend_reg_t registry = ggml_backend_dev_backend_reg(device);
  if (registry == nullptr || std::strcmp(ggml_backend_reg_name(registry), "RPC") != 0) return "";
  const std::optional<size_t> total = total_memory(device);
  return total ? fmt::format("RPC device of {} MiB", *total >> 20)
               : "RPC device";  // it is gone; whoever computes next gets the error
}

}  // namespace hre
