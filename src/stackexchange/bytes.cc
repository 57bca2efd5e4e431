#include "stackexchange/bytes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

namespace hre::stackexchange {
namespace {

class FileSource final : public ByteSource {
 public:
  FileSource(int file, std::string path) : file_(file), path_(std::move(path)) {}
  ~FileSource() override { ::close(file_); }

  Result<size_t> read(char* to, size_t n) override {
    while (true) {
      const ssize_t got = ::read(file_, to, n);
      if (got >= 0) {
        at_ += got;
        return static_cast<size_t>(got);
      }
      if (errno != EINTR) return fail(ErrorCode::kFailed, std::strerror(errno), fmt::format("{}: byte {}", path_, at_));
    }
  }

 private:
  int file_;
  std::string path_;
  int64_t at_ = 0;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : left_(bytes) {}

  Result<size_t> read(char* to, size_t n) override {
    const size_t got = left_.copy(to, n);
    left_.remove_prefix(got);
    return got;
  }

 private:
  std::string_view left_;
};

// A queue of blocks from a reading thread to a parsing thread.
class ReadAhead final : public ByteSource {
 public:
  explicit ReadAhead(ByteSource& inner) : inner_(inner), thread_([this](const std::stop_token& stop) { fill(stop); }) {}

  Result<size_t> read(char* to, size_t n) override {
    if (used_ == current_.size() && !take()) {
      if (problem_) return tl::unexpected<Error>(*problem_);
      return size_t{0};
    }
    const size_t got = std::min(n, current_.size() - used_);
    std::memcpy(to, current_.data() + used_, got);
    used_ += got;
    return got;
  }

 private:
  static constexpr size_t kBlock = size_t{1} << 20;
  static constexpr size_t kBlocks = 4;

  // Takes the next block; false at the end.
  bool take() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return !blocks_.empty() || done_; });
    if (blocks_.empty()) return false;
    current_ = std::move(blocks_.front());
    blocks_.pop_front();
    used_ = 0;
    room_.notify_one();
    return true;
  }

  // Waits for room for a block; false if the reader must stop.
  bool wait_for_room(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    return room_.wait(lock, stop, [&] { return blocks_.size() < kBlocks; }) && !stop.stop_requested();
  }

  void fill(const std::stop_token& stop) {
    std::optional<Error> problem;
    while (wait_for_room(stop)) {
      std::string block(kBlock, '\0');
      Result<size_t> got = inner_.read(block.data(), block.size());
      if (!got) problem = got.error();
      if (!got || *got == 0) break;
      block.resize(*got);
      std::lock_guard lock(mutex_);
      blocks_.push_back(std::move(block));
      ready_.notify_one();
    }
    std::lock_guard lock(mutex_);
    problem_ = std::move(problem);
    done_ = true;
    ready_.notify_one();
  }

  ByteSource& inner_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::condition_variable_any room_;  // a requested stop ends its wait, too
  std::deque<std::string> blocks_;
  bool done_ = false;
  std::optional<Error> problem_;
  std::string current_;
  size_t used_ = 0;
  std::jthread thread_;  // declared last, because it uses all of the above
};

}  // namespace

Result<std::unique_ptr<ByteSource>> open_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return input_error(std::strerror(errno), path);
  ::posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL);
  return std::make_unique<FileSource>(file, path);
}

std::unique_ptr<ByteSource> open_memory(std::string_view bytes) { return std::make_unique<MemorySource>(bytes); }

std::unique_ptr<ByteSource> read_ahead(ByteSource& inner) { return std::make_unique<ReadAhead>(inner); }

}  // namespace hre::stackexchange
