#include "model/llama/failures.h"

#include <ggml.h>
#include <llama.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <string_view>
#include <utility>

#include "model/llama/fast/fast_path.h"

namespace hre {
namespace {

struct ErrorLog {
  static constexpr size_t kLongest = 1 << 16;
  std::mutex mutex;
  std::string text;
};

ErrorLog& error_log() {
  static ErrorLog log;
  return log;
}

thread_local AssertionGuard::Kind guard = AssertionGuard::Kind::kNone;
std::atomic<bool> server_is_lost = false;

/// If an assertion of libllama or ggml fails, they end the process unless this callback throws.
void assertion_failed(const char* message) {
  const bool is_about_server = std::strstr(message, "RPC server") != nullptr;
  if (is_about_server && guard != AssertionGuard::Kind::kProbe) {
    // Later failures come from destructors, which must not throw.
    if (!server_is_lost.exchange(true)) throw LostRpcServer(message);
    std::fputs("hre: an RPC server is gone, and the engine can't continue without it\n", stderr);
    return;
  }
  // If one thread of a graph threw, the others would wait for it for ever.
  if (guard != AssertionGuard::Kind::kNone && !fast::computes_with_others())
    throw std::runtime_error(std::string("an assertion failed: ") + message);
  std::fprintf(stderr, "hre: the engine gave up: %s\n", message);  // the process ends here
}

}  // namespace

void watch_failures() {
  llama_log_set(
      [](ggml_log_level level, const char* text, void*) {
        if (level == GGML_LOG_LEVEL_ERROR) add_to_error_log(text);
      },
      nullptr);
  ggml_set_abort_callback(assertion_failed);
}

void add_to_error_log(const char* text) {
  const std::lock_guard lock(error_log().mutex);
  if (error_log().text.size() < ErrorLog::kLongest) error_log().text += text;
}

std::string take_error_log() {
  const std::lock_guard lock(error_log().mutex);
  return std::exchange(error_log().text, {});
}

std::string take_last_error() {
  std::string text = take_error_log();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  constexpr std::string_view kCause = "error loading model: ";
  if (const size_t cause = text.find(kCause); cause != std::string::npos) {
    const size_t begin = cause + kCause.size();
    return text.substr(begin, text.find('\n', cause) - begin);
  }
  const std::string line = text.substr(text.rfind('\n') + 1);
  const size_t colon = line.find(": ");
  return colon == std::string::npos ? line : line.substr(colon + 2);
}

bool rpc_server_is_lost() { return server_is_lost; }

AssertionGuard::AssertionGuard(Kind kind) : before_(std::exchange(guard, kind)) {}
AssertionGuard::~AssertionGuard() { guard = before_; }

}  // namespace hre
