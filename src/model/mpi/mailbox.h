#pragma once
/// Messages between the ranks of an MPI job, some of which may die. Only one thread calls MPI, and it never waits for a
/// rank, so no other thread ever does. That thread also reports continuously that this process is alive, whatever the
/// process computes.

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
  int rank = 0;  ///< the sender
  Tag tag = Tag::kReady;
  int64_t number = 0;
  std::string bytes;
};

/// Rank 0 exchanges messages with every rank; the other ranks only with rank 0. A message to this rank itself is
/// delivered directly. Messages from a rank arrive in the order in which they were sent; messages to a lost rank are
/// dropped. Several threads may use a mailbox.
class Mailbox {
 public:
  /// Joins the job. A rank that is silent for longer than `patience` is lost; one message kLost then arrives in its
  /// name.
  static Result<std::unique_ptr<Mailbox>> open(std::chrono::milliseconds patience);
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  void send(int rank, Tag tag, int64_t number, std::string bytes = {});
  /// The next message; nothing if none arrives in time.
  std::optional<Message> receive(std::chrono::milliseconds at_most);
  [[nodiscard]] bool lost(int rank) const;
  [[nodiscard]] bool any_lost() const;

  /// Delivers all messages to living ranks. Then, with `together` and if no rank is lost, all ranks end MPI, which
  /// waits for all of them. False if this takes longer than twice the patience: the thread is then still in MPI, and
  /// this object must stay.
  bool close(bool together);

 private:
  struct Mail;
  explicit Mailbox(std::chrono::milliseconds patience) : patience_(patience) {}
  void work();
  void deliver(Message message);
  std::deque<Message> take_outbox();

  const std::chrono::milliseconds patience_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_, changed_;
  std::deque<Message> inbox_, outbox_;  // in the outbox, the rank is the receiver
  std::vector<bool> lost_;
  bool opened_ = false, failed_ = false, closing_ = false, together_ = false, closed_ = false;
  int rank_ = 0, size_ = 1;
  std::thread thread_;
};

}  // namespace hre::mpi
