#pragma once
/// The thread that writes scored questions to the store, in small transactions.

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "hre/run.h"
#include "store/sqlite.h"
#include "store/stored_score.h"

namespace hre::store {

struct WriterTask {
  int64_t run = 0, setting = 0;
  std::string owner;  ///< whose claims end when the questions are written
  Stored stored = Stored::kStay;
  bool keeps_tokens = false;
};

/// How many seconds a claim lasts unless it is renewed.
constexpr int64_t kLeaseSeconds = 60;

class Writer {
 public:
  /// Starts the thread. The connection belongs to the writer alone.
  Writer(std::unique_ptr<Database> database, WriterTask task);
  /// Calls close() and ignores its result: call close() first to learn of failures.
  ~Writer();

  /// Never waits for the disk. Questions that can't be written stay in memory, and writing is retried.
  void put(int64_t position, std::string key, QuestionResult question);
  /// Why the last attempt failed; nothing if it succeeded.
  std::optional<Error> trouble();
  /// Writes all questions, or fails and says how many are lost. Call put() no more afterwards.
  Status close();
  [[nodiscard]] int64_t n_replaced() const { return n_replaced_; }

 private:
  struct Item {
    int64_t position;
    std::string key;
    QuestionResult question;
  };

  void work();
  Status write(const std::vector<Item>& items);
  void wait_for_work(std::unique_lock<std::mutex>& lock);

  std::unique_ptr<Database> database_;
  WriterTask task_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Item> waiting_;
  std::optional<Error> trouble_;
  bool closing_ = false;
  int64_t n_replaced_ = 0;  // read after the thread has ended
  std::thread thread_;
};

}  // namespace hre::store
