#pragma once
/// Messages between the ranks of an MPI job, of which some may die. All of MPI is called from one thread, which waits
/// for no rank: nobody else ever does either. That thread also says, all the time, that this process is alive, whatever
/// it computes.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "hre/result.h"

namespace hre::mpi {

enum class Tag : int { kReady = 1, kPlan, kScore, kEndOfModel, kEndOfJob, kAlive, kLost };

struct Message {
  int rank = 0;  ///< where it came from
  Tag tag = Tag::kReady;
  int64_t number = 0;
  std::string bytes;
};

/// Rank 0 has mail with every rank, the others with rank 0 alone. A message to this rank itself comes as it is.
/// Messages of one rank come in the order in which they were sent; those to a lost one go nowhere. May be used by
/// several threads.
class Post {
 public:
  /// Joins the job; a rank that is silent for longer than `patience` counts as lost, and kLost comes in its name, once.
  static Result<std::unique_ptr<Post>> open(std::chrono::milliseconds patience);
  ~Post();
  Post(const Post&) = delete;
  Post& operator=(const Post&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  void send(int rank, Tag tag, int64_t number, std::string bytes = {});
  /// The next message; nothing where none comes in time.
  std::optional<Message> receive(std::chrono::milliseconds at_most);
  [[nodiscard]] bool lost(int rank) const;
  [[nodiscard]] bool any_lost() const;

  /// What was sent to living ranks reaches them; then the ranks end MPI together, where none is lost: that waits for
  /// all. False where it takes longer than patience: the thread is then still in MPI, and this object must stay.
  bool close(bool together);

 private:
  struct Mail;
  explicit Post(std::chrono::milliseconds patience) : patience_(patience) {}
  void work();
  void deliver(Message message);
  std::deque<Message> take_outbox();

  const std::chrono::milliseconds patience_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_, changed_;
  std::deque<Message> inbox_, outbox_;  // in the outbox, the rank is where it goes
  std::vector<bool> lost_;
  bool opened_ = false, failed_ = false, closing_ = false, together_ = false, closed_ = false;
  int rank_ = 0, size_ = 1;
  std::thread thread_;
};

}  // namespace hre::mpi
