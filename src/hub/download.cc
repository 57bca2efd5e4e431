#include "hub/download.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "core/file_lock.h"
#include "hub/part_file.h"
#include "net/retry.h"

namespace hre::hub {
namespace {

using std::chrono::milliseconds;

/// A file being fetched. It holds its lock and its part file from the first piece to the last.
struct Fetch {
  const RepoFile* file = nullptr;
  FileAddress address;
  std::optional<FileLock> lock;
  std::unique_ptr<PartFile> part;
  std::atomic<int> pieces = 0;             // not finished yet
  std::atomic<bool> served_whole = false;  // see Transfer
  int wrong_hashes = 0;
  std::mutex address_mutex;
};

/// A piece being fetched.
struct Transfer {
  Range range;
  int64_t received = 0;  // bytes of the range, in the latest attempt
  bool whole = false;    // the server ignores ranges, and this thread takes the whole file from its start
  bool dropped = false;  // ... and another thread takes it
};

/// The outcome of an attempt: success, or an error that is final unless `again`.
struct Attempt {
  std::optional<Error> error;
  bool again = false;
  std::optional<milliseconds> asked;  // the server's Retry-After
};

/// A worker's next task: a piece of a file, or (without a range) the first steps for a file.
struct Work {
  Fetch* fetch = nullptr;
  std::optional<Range> piece;
};

/// Workers take tasks from a queue; the thread that calls run() reports their progress.
class Downloader {
 public:
  Downloader(HubApi& api, const RepoCache& cache, const DownloadJob& job, const DownloadOptions& options,
             std::stop_token outer)
      : api_(api), cache_(cache), job_(job), options_(options), chain_(outer, Stop{&stop_}) {
    for (const RepoFile& file : job.files) {
      fetches_.push_back(std::make_unique<Fetch>());
      fetches_.back()->file = &file;
      queue_.push_back({fetches_.back().get(), std::nullopt});
    }
    left_ = fetches_.size();
  }

  Status run(ProgressListener& progress);

 private:
  struct Stop {
    std::stop_source* source;
    void operator()() const { source->request_stop(); }
  };

  void work();
  std::optional<Work> take();
  Status step(const Work& work);
  Status begin(Fetch& fetch);
  Status add_pieces(Fetch& fetch);
  Status fetch_piece(Fetch& fetch, Range piece);
  Attempt try_transfer(Fetch& fetch, Transfer& transfer);
  Attempt judge(Fetch& fetch, const Transfer& transfer, const FileAddress& used, const net::HttpResult& result);
  Status take_bytes(Fetch& fetch, Transfer& transfer, const net::HttpResponse& head, std::string_view bytes);
  Status begin_body(Fetch& fetch, Transfer& transfer, const net::HttpResponse& head);
  FileAddress address_of(Fetch& fetch);
  Status renew_address(Fetch& fetch, const std::string& used_url);
  Status finish(Fetch& fetch);
  Status link(Fetch& fetch);
  Status check_space() const;
  void fail_with(Error error);
  void requeue_waiting(ProgressListener& progress);

  HubApi& api_;
  const RepoCache& cache_;
  const DownloadJob& job_;
  const DownloadOptions& options_;
  std::stop_source stop_;
  std::stop_callback<Stop> chain_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::unique_ptr<Fetch>> fetches_;
  std::deque<Work> queue_;
  std::vector<Work> waiting_;  // files that another process is fetching
  size_t left_ = 0;            // files
  std::optional<Error> error_;
  bool said_waiting_ = false;
  std::atomic<int64_t> bytes_ = 0;  // of all files, already in the cache or fetched
};

void Downloader::fail_with(Error error) {
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
  stop_.request_stop();
  changed_.notify_all();
}

std::optional<Work> Downloader::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, stop_.get_token(), [&] { return !queue_.empty() || left_ == 0; });
  if (stop_.stop_requested() || queue_.empty()) return std::nullopt;
  const Work work = queue_.front();
  queue_.pop_front();
  return work;
}

void Downloader::work() {
  while (const auto work = take()) {
    if (Status done = step(*work); !done) fail_with(std::move(done.error()));
  }
}

Status Downloader::step(const Work& work) {
  Fetch& fetch = *work.fetch;
  if (!work.piece) return begin(fetch);
  if (Status fetched = fetch_piece(fetch, *work.piece); !fetched) return fetched;
  return --fetch.pieces == 0 ? finish(fetch) : Status();
}

/// Looks up the file, takes its lock, and queues its missing pieces.
Status Downloader::begin(Fetch& fetch) {
  std::error_code ignored;
  const auto there = [&](const std::string& etag) {
    return std::filesystem::is_regular_file(cache_.blob(etag), ignored);
  };
  if (fetch.address.etag.empty() && there(fetch.file->etag)) {
    fetch.address.etag = fetch.file->etag;
    return link(fetch);
  }
  if (fetch.address.url.empty()) {
    auto address = api_.locate(job_.kind, job_.repository, job_.commit, *fetch.file, stop_.get_token());
    if (!address) return forward(address);
    fetch.address = *std::move(address);
  }
  const std::string lock_path = cache_.lock(fetch.address.etag);
  if (Status made = make_folder_of(lock_path); !made) return made;
  auto lock = FileLock::try_take(lock_path);
  if (!lock) {
    if (lock.error().next.empty()) lock.error().next = "set HF_HOME to use another folder for the cache";
    return forward(lock);
  }
  if (!*lock) {
    const std::lock_guard guard(mutex_);
    waiting_.push_back({&fetch, std::nullopt});
    return {};
  }
  fetch.lock.emplace(**std::move(lock));
  if (there(fetch.address.etag)) return link(fetch);
  auto part = PartFile::open(cache_, fetch.address.etag, fetch.address.size);
  if (!part) return forward(part);
  fetch.part = *std::move(part);
  bytes_ += fetch.part->present();
  return add_pieces(fetch);
}

Status Downloader::add_pieces(Fetch& fetch) {
  const std::vector<Range> pieces = fetch.part->missing(options_.piece);
  if (pieces.empty()) return finish(fetch);
  fetch.pieces = static_cast<int>(pieces.size());
  const std::lock_guard lock(mutex_);
  for (const Range& piece : pieces) queue_.push_back({&fetch, piece});
  changed_.notify_all();
  return {};
}

FileAddress Downloader::address_of(Fetch& fetch) {
  const std::lock_guard lock(fetch.address_mutex);
  return fetch.address;
}

/// If a signed address has expired, the first thread that notices asks for a new one.
Status Downloader::renew_address(Fetch& fetch, const std::string& used_url) {
  const std::lock_guard lock(fetch.address_mutex);
  if (fetch.address.url != used_url) return {};
  auto address = api_.locate(job_.kind, job_.repository, job_.commit, *fetch.file, stop_.get_token());
  if (!address) return forward(address);
  fetch.address.url = std::move(address->url);  // all other fields stay equal, and are read without the lock
  return {};
}

/// Fetches a piece to its end, with as many attempts as needed.
Status Downloader::fetch_piece(Fetch& fetch, Range piece) {
  Transfer transfer{.range = piece};
  for (int attempt = 0;; ++attempt) {
    if (fetch.served_whole && !transfer.whole) return {};
    transfer.received = 0;
    Attempt tried = try_transfer(fetch, transfer);
    if (!tried.error || transfer.dropped) return {};
    if (!tried.again) return tl::unexpected<Error>(std::move(*tried.error));
    if (transfer.whole) {
      bytes_ -= transfer.received;
    } else if (transfer.received > 0) {
      transfer.range.begin += transfer.received;
      attempt = 0;  // bytes arrived, so attempts are counted anew
    }
    const auto wait = net::retry_wait(api_.retry(), attempt, tried.asked, net::jitter());
    if (!wait) return tl::unexpected<Error>(std::move(*tried.error));
    if (!net::sleep_unless_stopped(*wait, stop_.get_token())) return fail(ErrorCode::kInterrupted, "interrupted");
  }
}

Attempt Downloader::try_transfer(Fetch& fetch, Transfer& transfer) {
  const FileAddress address = address_of(fetch);
  net::HttpRequest request = api_.request_for(address);
  if (!transfer.whole) {
    request.headers.emplace_back("Range", fmt::format("bytes={}-{}", transfer.range.begin, transfer.range.end - 1));
  }
  request.sink = [&](const net::HttpResponse& head, std::string_view bytes) {
    return take_bytes(fetch, transfer, head, bytes);
  };
  const net::HttpResult result = api_.client().exchange(request, stop_.get_token());
  const Range came{transfer.range.begin, transfer.range.begin + transfer.received};
  if (Status kept = fetch.part->completed(came); !kept) return {.error = kept.error(), .again = false, .asked = {}};
  return judge(fetch, transfer, address, result);
}

Attempt Downloader::judge(Fetch& fetch, const Transfer& transfer, const FileAddress& used,
                          const net::HttpResult& result) {
  if (!result) return {.error = result.error().error, .again = result.error().transient, .asked = {}};
  if (result->status == 200 || result->status == 206) {
    if (transfer.received == transfer.range.size()) return {};
    return {.error = Error{ErrorCode::kFailed, "the server sent too few bytes", fetch.file->path, ""},
            .again = true,
            .asked = {}};
  }
  const HubName name{.repository = job_.repository, .revision = job_.commit, .file = fetch.file->path};
  Attempt attempt{.error = error_of(*result, job_.kind, name, api_.settings()),
                  .again = net::is_transient_status(result->status),
                  .asked = net::retry_after(*result)};
  if (used.foreign && (result->status == 401 || result->status == 403 || result->status == 410)) {
    attempt.again = true;
    if (Status renewed = renew_address(fetch, used.url); !renewed)
      attempt = {.error = renewed.error(), .again = false, .asked = {}};
  }
  return attempt;
}

/// Refuses a body that is not the requested range. A server that ignores ranges sends the whole file: the first thread
/// that notices takes it, and the others leave it to that thread.
Status Downloader::begin_body(Fetch& fetch, Transfer& transfer, const net::HttpResponse& head) {
  const int64_t size = fetch.address.size;
  const std::string range = head.header("content-range").value_or("");
  if (head.status == 206) {
    const bool right =
        range.starts_with(fmt::format("bytes {}-", transfer.range.begin)) && range.ends_with(fmt::format("/{}", size));
    if (right && !transfer.whole) return {};
  } else if (head.status == 200 && range.empty()) {
    if (transfer.whole || transfer.range == Range{0, size}) return {};
    transfer.dropped = fetch.served_whole.exchange(true);
    if (transfer.dropped) return fail(ErrorCode::kFailed, "another thread takes the file");
    transfer.whole = true;
    transfer.range = {0, size};
    return {};
  }
  return fail(ErrorCode::kFailed, fmt::format("the server sent other bytes than requested ({})", range),
              fetch.file->path);
}

Status Downloader::take_bytes(Fetch& fetch, Transfer& transfer, const net::HttpResponse& head, std::string_view bytes) {
  if (transfer.received == 0) {
    if (Status good = begin_body(fetch, transfer, head); !good) return good;
  }
  const auto n = static_cast<int64_t>(bytes.size());
  if (transfer.received + n > transfer.range.size()) {
    return fail(ErrorCode::kFailed, "the server sent more bytes than requested", fetch.file->path);
  }
  if (Status written = fetch.part->write(transfer.range.begin + transfer.received, bytes); !written) return written;
  transfer.received += n;
  bytes_ += n;
  return {};
}

/// All bytes have arrived. If the hash is wrong, the file is fetched again once.
Status Downloader::finish(Fetch& fetch) {
  auto outcome = fetch.part->finish();
  if (!outcome) return forward(outcome);
  if (*outcome == Outcome::kGood) return link(fetch);
  if (++fetch.wrong_hashes == 2) {
    return fail(ErrorCode::kFailed,
                fmt::format("{} arrived twice with a hash other than {}", fetch.file->path, fetch.address.etag),
                "hf:" + job_.repository,
                "the received file is kept as " + cache_.wrong(fetch.address.etag) +
                    "; a proxy may have changed it, or the hub's file is damaged");
  }
  fetch.served_whole = false;
  bytes_ -= fetch.address.size;
  return add_pieces(fetch);
}

/// Gives the blob its name in the snapshot, which completes the file.
Status Downloader::link(Fetch& fetch) {
  if (Status linked = cache_.link(job_.commit, fetch.file->path, fetch.address.etag); !linked) return linked;
  if (!fetch.part) bytes_ += fetch.file->size;
  fetch.part.reset();
  fetch.lock.reset();
  const std::lock_guard lock(mutex_);
  --left_;
  changed_.notify_all();
  return {};
}

/// Fails if the disk has too little room for the missing bytes.
Status Downloader::check_space() const {
  int64_t needed = 0;
  std::error_code ignored;
  for (const RepoFile& file : job_.files) {
    struct stat status = {};
    if (std::filesystem::exists(cache_.blob(file.etag), ignored)) continue;
    constexpr int64_t kBlock = 512;
    const bool begun = stat(cache_.part(file.etag).c_str(), &status) == 0;
    needed += std::max<int64_t>(0, file.size - (begun ? kBlock * static_cast<int64_t>(status.st_blocks) : 0));
  }
  std::filesystem::path folder = cache_.folder();
  while (!std::filesystem::exists(folder, ignored) && folder.has_relative_path()) folder = folder.parent_path();
  struct statvfs disk = {};
  if (statvfs(folder.c_str(), &disk) != 0) return {};
  const double free = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
  if (static_cast<double>(needed) <= free) return {};
  return fail(
      ErrorCode::kFailed,
      fmt::format("{:.1f} MB are needed, but {:.1f} MB are free", static_cast<double>(needed) / 1e6, free / 1e6),
      folder.string(), "free some space, or set HF_HOME to a folder on another disk");
}

/// Queues the files again that another process was fetching.
void Downloader::requeue_waiting(ProgressListener& progress) {
  if (waiting_.empty()) return;
  if (!said_waiting_) progress.note("waiting for another process to fetch " + waiting_.front().fetch->file->path);
  said_waiting_ = true;
  queue_.insert(queue_.end(), waiting_.begin(), waiting_.end());
  waiting_.clear();
  changed_.notify_all();
}

Status Downloader::run(ProgressListener& progress) {
  if (Status room = check_space(); !room) return room;
  constexpr int64_t kMega = 1'000'000;
  int64_t total = 0;
  for (const RepoFile& file : job_.files) total += file.size;
  progress.begin("fetching " + job_.repository, (total + kMega - 1) / kMega, "MB", static_cast<double>(total));
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < options_.connections; ++i) workers.emplace_back([this] { work(); });
    std::unique_lock lock(mutex_);
    while (left_ > 0 && !stop_.stop_requested()) {
      changed_.wait_for(lock, stop_.get_token(), milliseconds(100), [&] { return left_ == 0; });
      requeue_waiting(progress);
      const int64_t bytes = std::min(bytes_.load(), total);
      progress.advance(bytes / kMega, static_cast<double>(bytes));
    }
    changed_.notify_all();
  }
  progress.end();
  if (error_ && error_->code != ErrorCode::kInterrupted) return tl::unexpected<Error>(std::move(*error_));
  if (left_ > 0)
    return fail(ErrorCode::kInterrupted,
                "interrupted; the bytes received so far are kept, and the same command resumes");
  return {};
}

}  // namespace

Status download(HubApi& api, const RepoCache& cache, const DownloadJob& job, const DownloadOptions& options,
                ProgressListener& progress, std::stop_token stop) {
  if (job.files.empty()) return {};
  return Downloader(api, cache, job, options, std::move(stop)).run(progress);
}

}  // namespace hre::hub
