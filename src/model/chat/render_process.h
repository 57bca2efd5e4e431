#pragma once
/// Runs a chat template in a separate process, because it is a program that comes with a model: it can't use more than
/// its limits of time, memory and stack, and a crash ends only that process.

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "model/chat/renderer.h"

namespace hre::chat {

/// What a template may use for one prompt.
struct RenderLimits {
  int64_t seconds = 10;               ///< of processor time
  int64_t memory = int64_t{1} << 30;  ///< bytes, in addition to what the process has at its start
};

class RenderProcess {
 public:
  /// Forks a process that parses the template. Input errors for an invalid template.
  static Result<std::unique_ptr<RenderProcess>> start(const TemplateSource& source, RenderLimits limits = {});
  ~RenderProcess();
  RenderProcess(const RenderProcess&) = delete;
  RenderProcess& operator=(const RenderProcess&) = delete;

  /// Renders one prompt at a time. Input errors if the template refuses the conversation or exceeds its limits;
  /// afterwards the process can't be used again.
  Result<std::string> render(const Conversation& conversation);
  [[nodiscard]] bool alive() const { return process_ > 0; }

 private:
  RenderProcess(int socket, pid_t process, RenderLimits limits) : socket_(socket), process_(process), limits_(limits) {}
  Result<std::string> receive();
  Error how_it_ended();

  int socket_;
  pid_t process_;
  RenderLimits limits_;
};

}  // namespace hre::chat
