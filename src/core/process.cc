#include "core/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <thread>

extern char** environ;

namespace hre {
namespace {

constexpr size_t kKeptErrors = 64 << 10;
constexpr int kPollMilliseconds = 100;
constexpr std::chrono::milliseconds kLongestPause{100};
/// How long a program may take to end after it was asked to, before it is killed.
constexpr std::chrono::seconds kGrace{5};

/// A pipe from the program to this process.
class Pipe {
 public:
  Pipe() { good_ = pipe2(ends_.data(), O_CLOEXEC) == 0; }
  ~Pipe() { close_writer(), close_end(0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] int reader() const { return ends_[0]; }
  [[nodiscard]] int writer() const { return ends_[1]; }
  void close_writer() { close_end(1); }

  /// Appends the bytes that are available; false at the end.
  bool read_into(std::string& text) const {
    std::array<char, 4096> buffer;
    const ssize_t n = read(ends_[0], buffer.data(), buffer.size());
    if (n > 0) text.append(buffer.data(), static_cast<size_t>(n));
    return n > 0 || (n < 0 && errno == EINTR);
  }

 private:
  void close_end(size_t end) {
    if (ends_[end] >= 0) close(ends_[end]);
    ends_[end] = -1;
  }

  std::array<int, 2> ends_ = {-1, -1};
  bool good_ = false;
};

/// A file without a name that holds a program's input: unlike a pipe, it needs no one to fill it while the program
/// runs.
class InputFile {
 public:
  explicit InputFile(const std::string& content) : descriptor_(memfd_create("input", MFD_CLOEXEC)) {
    for (size_t at = 0; at < content.size() && descriptor_ >= 0;) {
      const ssize_t n = write(descriptor_, content.data() + at, content.size() - at);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      at += static_cast<size_t>(n);
      good_ = at == content.size();
    }
    if (descriptor_ >= 0) lseek(descriptor_, 0, SEEK_SET);
  }
  ~InputFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  bool good_ = false;
};

/// Starts the program in a process group of its own, so that it and its children can be ended together. Signals are
/// reset to their defaults, because hre's own threads block some.
Result<pid_t> start(const std::vector<std::string>& words, const Pipe& out, const Pipe& errors,
                    const ProcessSurroundings& surroundings) {
  std::vector<char*> arguments, variables;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  for (const std::string& variable : surroundings.environment) variables.push_back(const_cast<char*>(variable.c_str()));
  const auto is_replaced = [&](const std::string_view old) {
    return std::ranges::any_of(surroundings.environment, [&](const std::string& variable) {
      return old.starts_with(std::string_view(variable).substr(0, variable.find('=') + 1));
    });
  };
  for (char** old = environ; *old != nullptr; ++old) {
    if (!is_replaced(*old)) variables.push_back(*old);
  }
  variables.push_back(nullptr);
  std::optional<InputFile> input;
  if (!surroundings.input.empty()) {
    input.emplace(surroundings.input);
    if (!input->good()) return fail(ErrorCode::kFailed, "its input can't be held in memory", words[0]);
  }
  const std::string& folder = surroundings.folder;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  if (!folder.empty()) posix_spawn_file_actions_addchdir_np(&files, folder.c_str());
  if (input) {
    posix_spawn_file_actions_adddup2(&files, input->descriptor(), 0);
  } else {
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  }
  posix_spawn_file_actions_adddup2(&files, out.writer(), 1);
  posix_spawn_file_actions_adddup2(&files, errors.writer(), 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, changed;
  sigemptyset(&none);
  sigemptyset(&changed);
  sigaddset(&changed, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &changed);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t process = 0;
  const int problem = posix_spawnp(&process, arguments[0], &files, &attributes, arguments.data(), variables.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (problem != 0)
    return fail(ErrorCode::kFailed, std::string("cannot be started: ") + std::strerror(problem), words[0]);
  return process;
}

/// A program's end before its time: it and its children are asked, and killed when their time is over.
class Ending {
 public:
  explicit Ending(pid_t process) : process_(process) {}

  /// To be called again and again. Whether it was killed.
  bool ask() {
    const Clock::time_point now = Clock::now();
    if (asked_ == Clock::time_point()) {
      kill(-process_, SIGTERM);
      asked_ = now;
    }
    const bool over = now - asked_ > kGrace;
    if (over) kill(-process_, SIGKILL);
    return over;
  }

 private:
  using Clock = std::chrono::steady_clock;
  pid_t process_;
  Clock::time_point asked_;  // none before it was asked
};

void give_lines(std::string& text, const std::function<void(const std::string&)>& line) {
  size_t at = 0;
  for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', at)) {
    line(text.substr(at, end - at));
    at = end + 1;
  }
  text.erase(0, at);
}

/// The beginning of a program's error output, in one line.
std::string in_one_line(std::string text) {
  constexpr size_t kLongest = 2000;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  for (char& c : text) c = c == '\n' ? ' ' : c;
  return text.substr(0, kLongest);
}

}  // namespace

Result<ProcessResult> run_process(const std::vector<std::string>& words,
                                  const std::function<void(const std::string&)>& line, const std::stop_token& stop,
                                  const ProcessSurroundings& surroundings) {
  Pipe out, errors;
  if (!out.good() || !errors.good()) return fail(ErrorCode::kFailed, "no pipe could be created", words[0]);
  auto process = start(words, out, errors, surroundings);
  if (!process) return forward(process);
  out.close_writer(), errors.close_writer();
  ProcessResult result;
  std::string text;
  bool out_open = true, errors_open = true;
  Ending ending(*process);
  while (out_open || errors_open) {
    std::array<pollfd, 2> ready = {
        {{out_open ? out.reader() : -1, POLLIN, 0}, {errors_open ? errors.reader() : -1, POLLIN, 0}}};
    poll(ready.data(), ready.size(), kPollMilliseconds);
    // Its children may hold the pipes open in another group: they are left to themselves.
    if (stop.stop_requested() && ending.ask()) break;
    if (ready[0].revents != 0) out_open = out.read_into(text);
    if (ready[1].revents != 0) errors_open = errors.read_into(result.errors);
    if (result.errors.size() > 2 * kKeptErrors) result.errors.erase(0, result.errors.size() - kKeptErrors);
    give_lines(text, line);
  }
  if (!text.empty()) line(text);  // the last line, without a line break
  // It may have closed its outputs and go on.
  int status = 0;
  for (auto pause = std::chrono::milliseconds(1);; pause = std::min(2 * pause, kLongestPause)) {
    const pid_t ended = waitpid(*process, &status, WNOHANG);
    if (ended == *process || (ended < 0 && errno != EINTR)) break;
    if (stop.stop_requested()) ending.ask();
    std::this_thread::sleep_for(pause);
  }
  if (stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted", words[0]);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

Status run_program(const std::vector<std::string>& words, const std::string& folder) {
  auto result = run_process(words, [](const std::string&) {}, {}, {.folder = folder});
  if (!result) return forward(result);
  if (result->status == 0) return {};
  const std::string said = in_one_line(std::move(result->errors));
  return fail(ErrorCode::kFailed, said.empty() ? "failed" : "failed: " + said, words[0]);
}

bool has_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string rest = path != nullptr ? path : "/usr/bin:/bin";
  for (rest += ':'; !rest.empty();) {
    const size_t colon = rest.find(':');
    const std::string file = rest.substr(0, colon) + "/" + name;
    if (access(file.c_str(), X_OK) == 0) return true;
    rest.erase(0, colon + 1);
  }
  return false;
}

}  // namespace hre
