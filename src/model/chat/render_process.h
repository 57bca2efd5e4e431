#pragma once
/// Runs a chat template in a separate process, because it is a program that comes with a model: it can't use more than
/// its limits of time, memory and stack, and a crash ends only that process.

#include <sys/types.h>

#include <memory>
#include <string>

#include "model/chat/renderer.h"

namespace hre::chat {

class RenderProcess {
 public:
  /// Forks a process that parses the template. Input errors for an invalid template.
  static Result<std::unique_ptr<RenderProcess>> start(const TemplateSource& source);
  ~RenderProcess();
  RenderProcess(const RenderProcess&) = delete;
  RenderProcess& operator=(const RenderProcess&) = delete;

  /// Renders one prompt at a time. Input errors if the template refuses the conversation or exceeds its limits;
  /// afterwards the process can't be used again.
  Result<std::string> render(const Conversation& conversation);
  [[nodiscard]] bool alive() const { return process_ > 0; }

 private:
  RenderProcess(int socket, pid_t process) : socket_(socket), process_(process) {}
  Result<std::string> receive();
  Error how_it_ended();

  int socket_;
  pid_t process_;
};

}  // namespace hre::chat
