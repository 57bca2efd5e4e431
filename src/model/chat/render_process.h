#pragma once
/// A chat template in a process of its own, since it is a program that comes with a model: there it may use so much
/// time, memory and stack and no more, and what it breaks is that process.

#include <sys/types.h>

#include <memory>
#include <string>

#include "model/chat/renderer.h"

namespace hre::chat {

class RenderProcess {
 public:
  /// Forks a process that parses the template. Input errors for what is no template.
  static Result<std::unique_ptr<RenderProcess>> start(const TemplateSource& source);
  ~RenderProcess();
  RenderProcess(const RenderProcess&) = delete;
  RenderProcess& operator=(const RenderProcess&) = delete;

  /// One at a time. Input errors for what the template itself refuses, and where it needs more than it may; the process
  /// is of no use after that.
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
