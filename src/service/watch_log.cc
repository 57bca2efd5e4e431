#include "service/watch_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/files.h"

namespace hre::service {
namespace {

constexpr const char* kFormat = "hre-watch/1";

Status system_error(const std::string& what, const std::string& path) {
  return fail(ErrorCode::kFailed, what + ": " + std::strerror(errno), path);
}

/// A descriptor that is closed at the end.
class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] bool good() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

bool write_all(int descriptor, const std::string& text, int64_t at) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = pwrite(descriptor, text.data() + done, text.size() - done, at + static_cast<int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  return fdatasync(descriptor) == 0;
}

template <class Json>
std::string text_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->template get<std::string>() : "";
}

template <class Json>
std::optional<double> number_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_number() ? std::optional(found->template get<double>()) : std::nullopt;
}

}  // namespace

Result<WatchLine> parse_watch_line(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || text_of(json, "format") != kFormat)
    return input_error(std::string("is not a line of the format ") + kFormat);
  WatchLine line{text_of(json, "status"),
                 text_of(json, "path"),
                 text_of(json, "identity"),
                 text_of(json, "training"),
                 number_of(json, "step"),
                 number_of(json, "value"),
                 text_of(json, "run"),
                 text_of(json, "dataset_fingerprint"),
                 text};
  if (line.status.empty() || line.path.empty() || line.identity.empty())
    return input_error("the line has no status, path or identity");
  return line;
}

Result<WatchLog> WatchLog::open(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!file.good()) {
    return input_error(std::string("cannot be written: ") + std::strerror(errno), path,
                       "‹json_lines› names another file for the results");
  }
  auto lock = FileLock::try_take(path + ".lock");
  if (lock && !*lock) {
    return fail(ErrorCode::kFailed, "another hre watch writes these results", path,
                "let it do so, or give ‹json_lines› another file");
  }
  WatchLog log(path, lock ? std::move(*lock) : std::nullopt);
  if (auto ok = log.read(); !ok) return forward(ok);
  if (ftruncate(file.get(), log.size_) != 0)
    return tl::unexpected<Error>(system_error("cannot be written", path).error());
  return log;
}

Result<std::vector<WatchLine>> read_watch_lines(const std::string& path) {
  auto text = read_file(path);
  if (!text) return forward(text);
  std::vector<WatchLine> lines;
  size_t at = 0;
  for (size_t end = text->find('\n'); end != std::string::npos; end = text->find('\n', at)) {
    auto line = parse_watch_line(text->substr(at, end - at));
    if (!line) {
      line.error().where = fmt::format("{}:{}", path, lines.size() + 1);
      return forward(line);
    }
    lines.push_back(std::move(*line));
    at = end + 1;
  }
  return lines;
}

Status WatchLog::read() {
  auto lines = read_watch_lines(path_);
  if (!lines) {
    if (lines.error().next.empty()) lines.error().next = "‹json_lines› names another file for the results";
    return forward(lines);
  }
  lines_ = std::move(*lines);
  for (const WatchLine& line : lines_) size_ += static_cast<int64_t>(line.text.size()) + 1;
  // Without a number all were delivered: the file was removed, and to deliver everything again would be worse.
  delivered_ = lines_.size();
  const auto state = path_exists(path_ + ".lock") ? read_file(path_ + ".lock", 1 << 16) : Result<std::string>("");
  size_t n = 0;
  if (state && std::from_chars(state->data(), state->data() + state->size(), n).ec == std::errc())
    delivered_ = std::min(n, lines_.size());
  const size_t second = state ? state->find('\n') : std::string::npos;
  if (second != std::string::npos && state->back() == '\n') {
    const char* const end = state->data() + state->size();
    int times = 0;
    const auto [after, problem] = std::from_chars(state->data() + second + 1, end, times);
    if (problem == std::errc() && after < end && *after == ' ') begun_ = {std::string(after + 1, end - 1), times};
  }
  return write_state();
}

Status WatchLog::append(const WatchLine& line) {
  const Descriptor file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  if (!file.good()) return system_error("cannot be written", path_);
  const std::string text = line.text + "\n";
  if (!write_all(file.get(), text, size_)) {
    auto problem = system_error("cannot be written", path_);  // of the write, not of what follows
    (void)!ftruncate(file.get(), size_);
    return problem;
  }
  size_ += static_cast<int64_t>(text.size());
  lines_.push_back(line);
  return {};
}

Status WatchLog::set_delivered(size_t n) {
  delivered_ = n;
  return write_state();
}

Status WatchLog::set_begun(const std::string& path) {
  const int before = path == begun_.path ? begun_.times : 0;
  begun_ = {path, path.empty() ? 0 : before + 1};
  return write_state();
}

Status WatchLog::write_state() {
  const std::string path = path_ + ".lock";
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  // The first line is always as long, so that no digit of an older number stays.
  std::string text = fmt::format("{:<20}\n", delivered_);
  if (!begun_.path.empty()) text += fmt::format("{} {}\n", begun_.times, begun_.path);
  if (!file.good() || !write_all(file.get(), text, 0) || ftruncate(file.get(), static_cast<int64_t>(text.size())) != 0)
    return system_error("cannot be written", path);
  return {};
}

}  // namespace hre::service
