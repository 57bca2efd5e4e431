#include "store/writer.h"

#include <chrono>
#include <ctime>
#include <iterator>

#include "store/rows.h"

namespace hre::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Questions are collected for this long, so that there are few transactions.
constexpr milliseconds kGather{100};
constexpr size_t kGatherMost = 512;
constexpr seconds kRetry{2};
constexpr seconds kRenew{kLeaseSeconds / 4};

}  // namespace

Writer::Writer(std::unique_ptr<Database> database, WriterTask task)
    : database_(std::move(database)), task_(std::move(task)), thread_([this] { work(); }) {}

Writer::~Writer() {
  if (thread_.joinable()) (void)close();
}

void Writer::put(int64_t position, std::string key, QuestionResult question) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back({position, std::move(key), std::move(question)});
  if (waiting_.size() == 1 || waiting_.size() >= kGatherMost) changed_.notify_one();
}

std::optional<Error> Writer::trouble() {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

Status Writer::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_one();
  }
  thread_.join();
  if (!trouble_) return {};
  Error error = *trouble_;
  if (!waiting_.empty()) {
    error.message = std::to_string(waiting_.size()) + " scored questions are not kept: " + error.message;
  }
  return tl::unexpected<Error>(std::move(error));
}

/// Returns when there are questions to write or claims must be renewed.
void Writer::wait_for_work(std::unique_lock<std::mutex>& lock) {
  if (trouble_) {
    changed_.wait_for(lock, kRetry, [&] { return closing_; });
    return;
  }
  changed_.wait_for(lock, kRenew, [&] { return closing_ || !waiting_.empty(); });
  changed_.wait_for(lock, kGather, [&] { return closing_ || waiting_.size() >= kGatherMost; });
}

void Writer::work() {
  std::unique_lock lock(mutex_);
  bool last = false;
  while (!last) {
    if (!closing_) wait_for_work(lock);
    last = closing_;
    std::vector<Item> items = std::exchange(waiting_, {});
    lock.unlock();
    Status written = write(items);
    lock.lock();
    trouble_ = written ? std::nullopt : std::optional(written.error());
    if (!written)
      waiting_.insert(waiting_.begin(), std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
  }
}

Status Writer::write(const std::vector<Item>& items) {
  Transaction transaction(*database_);
  QuestionWriter rows(*database_, task_.run, task_.setting, task_.stored, task_.keeps_tokens);
  Statement release(*database_, "DELETE FROM claim WHERE text_key = ? AND setting = ? AND owner = ?");
  int64_t replaced = 0;
  for (const Item& item : items) {
    replaced += rows.put(item.position, item.key, item.question) ? 1 : 0;
    release.with(std::string_view(item.key), task_.setting, task_.owner).run();
  }
  Statement(*database_, "UPDATE claim SET expires = ? WHERE owner = ?")
      .with(static_cast<int64_t>(std::time(nullptr)) + kLeaseSeconds, task_.owner)
      .run();
  Status done = transaction.commit();
  if (done) n_replaced_ += replaced;
  return done;
}

}  // namespace hre::store
