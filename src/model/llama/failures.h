#pragma once
/// How libllama and ggml tell what went wrong: a log, and assertions that end the process unless they are caught.

#include <stdexcept>
#include <string>

namespace hre {

/// Sends libllama's log and its failed assertions here; once, before anything else of libllama.
void watch_failures();

/// What libllama said at level ERROR since the last call: all of it.
std::string take_error_log();
/// The same, as the one line that tells why a call failed, without the names of functions before it.
std::string take_last_error();
/// Adds to it.
void add_to_error_log(const char* text);

/// An RPC server is gone, or answers nonsense. Thrown where libllama would end the process; once, as what libllama has
/// there can't be used or freed then.
struct LostRpcServer : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Whether one was thrown.
bool rpc_server_is_lost();

/// While one lives, an assertion that fails on its thread is a std::runtime_error: for what a file may be the cause of.
/// One that fails in a graph that several threads compute ends the process, with a message, as it does without a guard.
/// One that probes whether an RPC server is there lets it be not there.
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
