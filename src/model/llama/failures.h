#pragma once
/// Catches failures of libllama and ggml: log messages, and assertions that would otherwise end the process.

#include <stdexcept>
#include <string>

namespace hre {

/// Redirects libllama's log and failed assertions to this file. Call it once, before any other function of libllama.
void watch_failures();

/// All that libllama has logged at level ERROR since the last call.
std::string take_error_log();
/// The same as one line that says why a call failed, without leading function names.
std::string take_last_error();
/// Adds text to that log.
void add_to_error_log(const char* text);

/// An RPC server is gone, or its answers are invalid. Thrown instead of letting libllama abort. Thrown only once: after
/// that, objects on the lost server can be neither used nor freed.
struct LostRpcServer : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Whether LostRpcServer was thrown.
bool rpc_server_is_lost();

/// While a guard lives, an assertion that fails on its thread throws a std::runtime_error: for failures that a file may
/// cause. An assertion that fails in a graph computed by several threads still ends the process, with a message. A
/// guard of kind kProbe allows an RPC server to be missing.
class AssertionGuard {
 public:
  enum class Kind { kNone, kAll, kProbe };
  explicit AssertionGuard(Kind kind = Kind::kAll);
  ~AssertionGuard();
  AssertionGuard(const AssertionGuard&) = delete;
  AssertionGuard& operator=(const AssertionGuard&) = delete;

 private:
  Kind before_;
};

}  // namespace hre
