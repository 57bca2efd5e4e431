#include "model/chat/render_process.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>

namespace hre::chat {
namespace {

constexpr uint64_t kLongestMessage = uint64_t{256} << 20;

bool send_all(int socket, const void* data, size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = send(socket, at, size, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

bool receive_all(int socket, void* data, size_t size) {
  char* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t n = read(socket, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

/// Sends a text, preceded by its length.
bool send_text(int socket, const std::string& text) {
  const uint64_t size = text.size();
  return send_all(socket, &size, sizeof size) && send_all(socket, text.data(), text.size());
}

bool receive_text(int socket, std::string& text) {
  uint64_t size = 0;
  if (!receive_all(socket, &size, sizeof size) || size > kLongestMessage) return false;
  text.resize(size);
  return receive_all(socket, text.data(), size);
}

/// A reply: '1' and the prompt, or '0' and the error.
bool send_result(int socket, const Result<std::string>& result) {
  return send_text(socket, result ? "1" + *result : "0" + result.error().message);
}

/// The private writable memory of the process in bytes. Shared and read-only mappings, such as a model's, don't count.
rlim_t writable_memory() {
  std::ifstream file("/proc/self/statm");
  rlim_t pages = 0;
  for (int i = 0; i < 6; ++i) file >> pages;
  return pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

void limit(__rlimit_resource resource, rlim_t most) {
  rlimit now = {};
  getrlimit(resource, &now);
  now.rlim_cur = std::min(most, now.rlim_max);
  setrlimit(resource, &now);
}

/// Sets the limit of processor time to this many seconds from now; the system's limit counts from the start of the
/// process.
void limit_time(const RenderLimits& limits) {
  std::timespec used = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  limit(RLIMIT_CPU, static_cast<rlim_t>(used.tv_sec + limits.seconds));
}

/// The main loop of the process: conversations come in, prompts go out, until the other end is closed.
[[noreturn]] void serve(const TemplateSource& source, const RenderLimits& limits, int socket) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_IGN);  // its parent ends it
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGXCPU}) std::signal(signal, SIG_DFL);
  setenv("TZ", "UTC0", 1);
  tzset();
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_DATA, writable_memory() + static_cast<rlim_t>(limits.memory));
  limit_time(limits);
  const auto renderer = Renderer::parse(source);
  const Result<std::string> parsed = renderer ? "" : Result<std::string>(tl::unexpected<Error>(renderer.error()));
  if (!send_result(socket, parsed)) _exit(0);
  Conversation conversation;
  while (renderer && receive_text(socket, conversation.system) && receive_text(socket, conversation.user) &&
         receive_text(socket, conversation.reply)) {
    limit_time(limits);
    if (!send_result(socket, renderer->render(conversation))) break;
  }
  _exit(0);
}

}  // namespace

Result<std::unique_ptr<RenderProcess>> RenderProcess::start(const TemplateSource& source, RenderLimits limits) {
  int ends[2] = {};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail(ErrorCode::kFailed,
                std::string("no process could be started for the chat template: ") + std::strerror(errno));
  }
  const pid_t process = fork();
  if (process == 0) {
    close(ends[0]);
    serve(source, limits, ends[1]);
  }
  const std::string why = std::strerror(errno);
  close(ends[1]);
  if (process < 0) {
    close(ends[0]);
    return fail(ErrorCode::kFailed, "no process could be started for the chat template: " + why);
  }
  std::unique_ptr<RenderProcess> started(new RenderProcess(ends[0], process, limits));
  if (auto parsed = started->receive(); !parsed) return forward(parsed);
  return started;
}

RenderProcess::~RenderProcess() {
  close(socket_);
  if (process_ <= 0) return;
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

Result<std::string> RenderProcess::render(const Conversation& conversation) {
  if (send_text(socket_, conversation.system) && send_text(socket_, conversation.user)) {
    (void)send_text(socket_, conversation.reply);
  }
  return receive();
}

Result<std::string> RenderProcess::receive() {
  std::string text;
  if (!receive_text(socket_, text) || text.empty()) return tl::unexpected<Error>(how_it_ended());
  const std::string said = text.substr(1);
  if (text[0] == '1') return said;
  return input_error(said);
}

Error RenderProcess::how_it_ended() {
  int status = 0;
  kill(process_, SIGKILL);  // in case its socket broke and it did not end
  waitpid(process_, &status, 0);
  process_ = 0;
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  const bool slow = signal == SIGXCPU;
  return {
      ErrorCode::kInput,
      std::string("the chat template can't be rendered: ") +
          (slow ? "it needs more than " + std::to_string(limits_.seconds) + " s for one question"
                : "it nests too deeply, or needs more than " + std::to_string(limits_.memory >> 20) + " MiB of memory"),
      "", ""};
}

}  // namespace hre::chat
