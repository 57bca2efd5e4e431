#include "model/crew/forked_crew.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "model/crew/messages.h"

namespace hre {
namespace {

bool write_all(int descriptor, const void* data, size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = send(descriptor, at, size, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

bool read_all(int descriptor, void* data, size_t size) {
  char* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t n = read(descriptor, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

constexpr uint64_t kLongestMessage = uint64_t{1} << 32;

/// Writes a message, preceded by its length.
bool write_message(int socket, const std::string& bytes) {
  const uint64_t size = bytes.size();
  return write_all(socket, &size, sizeof size) && write_all(socket, bytes.data(), bytes.size());
}

bool read_message(int socket, std::string& bytes) {
  uint64_t size = 0;
  if (!read_all(socket, &size, sizeof size) || size >= kLongestMessage) return false;
  bytes.resize(size);
  return read_all(socket, bytes.data(), size);
}

/// The main loop of a worker: plans come in, scores go out. Ends with its parent.
[[noreturn]] void work(Scorer& scorer, int socket, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  std::string bytes;
  while (read_message(socket, bytes)) {
    const auto plan = unpack_plan(bytes);
    if (!plan || !write_message(socket, pack_score(score_one(scorer, *plan, {})))) break;
  }
  _exit(0);
}

class ForkedCrew final : public Crew {
 public:
  ~ForkedCrew() override {
    for (const Worker& worker : workers_) {
      if (worker.process > 0) kill(worker.process, SIGKILL);
      close(worker.socket);
    }
    for (const Worker& worker : workers_) {
      if (worker.process > 0) waitpid(worker.process, nullptr, 0);
    }
  }

  Status add(Scorer& scorer) {
    int ends[2] = {};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return no_worker();
    const pid_t parent = getpid(), process = fork();
    if (process == 0) {
      close(ends[0]);
      for (const Worker& worker : workers_) close(worker.socket);  // else workers never see them closed
      work(scorer, ends[1], parent);
    }
    close(ends[1]);
    if (process < 0) {
      close(ends[0]);
      return no_worker();
    }
    workers_.push_back({process, ends[0]});
    return {};
  }

  size_t size() const override { return workers_.size(); }

  void give(size_t worker, const QuestionPlan& plan) override {
    write_message(workers_[worker].socket, pack_plan(plan));  // if the worker is gone, wait() notices
  }

  std::vector<Event> wait(const std::stop_token& stop) override {
    std::vector<pollfd> polled;
    for (const Worker& worker : workers_) polled.push_back({worker.process > 0 ? worker.socket : -1, POLLIN, 0});
    constexpr int kMoment = 100;  // milliseconds after which a stop is noticed
    std::vector<Event> events;
    if (stop.stop_requested() || poll(polled.data(), polled.size(), kMoment) <= 0) return events;
    for (size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents != 0) events.push_back(read_event(i));
    }
    return events;
  }

 private:
  struct Worker {
    pid_t process;
    int socket;
  };

  static Status no_worker() {
    return fail(ErrorCode::kFailed, fmt::format("no worker could be started: {}", std::strerror(errno)), "",
                "use fewer ‹workers›");
  }

  Event read_event(size_t index) {
    Event event;
    event.worker = index;
    std::string bytes;
    if (read_message(workers_[index].socket, bytes)) {
      event.score = unpack_score(bytes);
      return event;
    }
    int status = 0;
    waitpid(workers_[index].process, &status, 0);
    workers_[index].process = 0;
    event.lost = true;
    event.why = WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status)) : "it ended";
    return event;
  }

  std::vector<Worker> workers_;
};

}  // namespace

Result<std::unique_ptr<Crew>> fork_crew(Scorer& scorer, int n) {
  auto crew = std::make_unique<ForkedCrew>();
  for (int i = 0; i < n; ++i) {
    if (auto ok = crew->add(scorer); !ok) return forward(ok);
  }
  return crew;
}

}  // namespace hre
