#ifdef HRE_MPI

#include "model/mpi/mailbox.h"

#include <mpi.h>

#include <algorithm>
#include <list>
#include <numeric>
#include <utility>

#include "model/mpi/liveness.h"

namespace hre::mpi {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto kMoment = std::chrono::microseconds(300);  // pause between checks for messages

/// A message in transit, whose bytes MPI may read or write.
struct Transfer {
  int rank = 0;
  Tag tag = Tag::kReady;
  std::string bytes;
  MPI_Request request = MPI_REQUEST_NULL;
};

std::string pack(int64_t number, const std::string& bytes) {
  return std::string(reinterpret_cast<const char*>(&number), sizeof number) + bytes;
}

}  // namespace

/// The thread's own state. Transfers with a lost rank are kept, because MPI may still access their bytes.
struct Mailbox::Mail {
  explicit Mail(Mailbox& owner)
      : mailbox(owner),
        peers(owner.rank_ == 0 ? static_cast<size_t>(owner.size_) - 1 : 1),
        liveness(peers.size(), owner.patience_, SteadyClock::now()),
        beat(std::min<SteadyClock::duration>(std::chrono::seconds(1), owner.patience_ / 5)),
        receiving(peers.size()) {
    std::iota(peers.begin(), peers.end(), owner.rank_ == 0 ? 1 : 0);
  }

  static size_t place(int rank) { return rank == 0 ? 0 : static_cast<size_t>(rank) - 1; }  // index among the peers
  bool lost(int rank) const { return liveness.lost(place(rank)); }
  void lose(int rank) { liveness.lose(place(rank)); }

  void send(Message message) {
    // Even lost ranks are told that the job ends: a rank that was only silent would otherwise wait for ever.
    if (lost(message.rank) && message.tag != Tag::kEndOfJob) return;
    Transfer& transfer =
        sending.emplace_back(Transfer{message.rank, message.tag, pack(message.number, message.bytes), {}});
    const int sent = MPI_Isend(transfer.bytes.data(), static_cast<int>(transfer.bytes.size()), MPI_BYTE, message.rank,
                               static_cast<int>(message.tag), MPI_COMM_WORLD, &transfer.request);
    if (sent != MPI_SUCCESS) {
      lose(message.rank);
      sending.pop_back();
    }
  }

  void finish_sending() {
    sending.remove_if([this](Transfer& transfer) {
      int done = 0;
      if (lost(transfer.rank) && transfer.tag != Tag::kEndOfJob) return false;
      if (MPI_Test(&transfer.request, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS) return done != 0;
      lose(transfer.rank);
      return false;
    });
  }

  bool waits_for_the_living() const {
    return std::any_of(sending.begin(), sending.end(), [this](const Transfer& one) { return !lost(one.rank); });
  }

  /// Receives one message at a time from each rank, so that a rank's messages keep their order.
  void receive(int rank) {
    auto& current = receiving[place(rank)];
    while (!lost(rank)) {
      if (!current && !begin_to_receive(rank)) return;
      int done = 0;
      if (MPI_Test(&current->request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return lose(rank);
      if (done == 0) return;
      liveness.heard(place(rank), SteadyClock::now());
      const Transfer whole = std::move(*std::exchange(current, nullptr));
      Message message{rank, whole.tag, 0, {}};
      if (whole.tag == Tag::kAlive || whole.bytes.size() < sizeof message.number) continue;
      whole.bytes.copy(reinterpret_cast<char*>(&message.number), sizeof message.number);
      message.bytes = whole.bytes.substr(sizeof message.number);
      mailbox.deliver(std::move(message));
    }
  }

  bool begin_to_receive(int rank) {
    int there = 0, size = 0;
    MPI_Message handle;
    MPI_Status status;
    if (MPI_Improbe(rank, MPI_ANY_TAG, MPI_COMM_WORLD, &there, &handle, &status) != MPI_SUCCESS) {
      lose(rank);
      return false;
    }
    if (there == 0) return false;
    MPI_Get_count(&status, MPI_BYTE, &size);
    auto& current = receiving[place(rank)];
    current = std::make_unique<Transfer>();
    current->tag = static_cast<Tag>(status.MPI_TAG);
    current->bytes.resize(static_cast<size_t>(size));
    if (MPI_Imrecv(current->bytes.data(), size, MPI_BYTE, &handle, &current->request) == MPI_SUCCESS) return true;
    lose(rank);
    return false;
  }

  void say_alive() {
    const auto now = SteadyClock::now();
    if (now - said < beat) return;
    said = now;
    for (const int rank : peers) {
      const bool one_is_on_its_way = std::any_of(sending.begin(), sending.end(), [rank](const Transfer& one) {
        return one.rank == rank && one.tag == Tag::kAlive;
      });
      if (!one_is_on_its_way) send({rank, Tag::kAlive, 0, {}});
    }
  }

  void find_lost() {
    for (const size_t found : liveness.look(SteadyClock::now())) {
      const std::lock_guard lock(mailbox.mutex_);
      mailbox.lost_[static_cast<size_t>(peers[found])] = true;
      mailbox.inbox_.push_back({peers[found], Tag::kLost, 0, {}});
      mailbox.arrived_.notify_all();
    }
  }

  Mailbox& mailbox;
  std::vector<int> peers;  // the ranks with which this rank exchanges messages
  Liveness liveness;       // of the peers
  SteadyClock::duration beat;
  SteadyClock::time_point said{};
  std::list<Transfer> sending;
  std::vector<std::unique_ptr<Transfer>> receiving;
};

Result<std::unique_ptr<Mailbox>> Mailbox::open(std::chrono::milliseconds patience) {
  std::unique_ptr<Mailbox> mailbox(new Mailbox(patience));
  mailbox->thread_ = std::thread([&mailbox = *mailbox] { mailbox.work(); });
  std::unique_lock lock(mailbox->mutex_);
  const auto limit = 4 * patience;  // ranks are started one after another
  const bool answered =
      mailbox->changed_.wait_for(lock, limit, [&mailbox] { return mailbox->opened_ || mailbox->failed_; });
  if (answered && !mailbox->failed_) return mailbox;
  const std::string why = answered ? "MPI could not be started"
                                   : "MPI did not start in time: a rank may have died, or ‹rank_timeout› is too short";
  if (!answered) {  // the thread is stuck in MPI and uses the mailbox, so the mailbox must stay
    mailbox->thread_.detach();
    lock.unlock();
    [[maybe_unused]] const Mailbox* left = mailbox.release();
  }
  return fail(ErrorCode::kFailed, why, "mpirun", "nothing was lost; run the same command again");
}

Mailbox::~Mailbox() {
  if (thread_.joinable()) thread_.join();
}

void Mailbox::send(int rank, Tag tag, int64_t number, std::string bytes) {
  if (rank == rank_) return deliver({rank, tag, number, std::move(bytes)});
  const std::lock_guard lock(mutex_);
  outbox_.push_back({rank, tag, number, std::move(bytes)});
  changed_.notify_all();
}

void Mailbox::deliver(Message message) {
  const std::lock_guard lock(mutex_);
  inbox_.push_back(std::move(message));
  arrived_.notify_all();
}

std::optional<Message> Mailbox::receive(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  if (!arrived_.wait_for(lock, at_most, [this] { return !inbox_.empty(); })) return std::nullopt;
  Message message = std::move(inbox_.front());
  inbox_.pop_front();
  return message;
}

bool Mailbox::lost(int rank) const {
  const std::lock_guard lock(mutex_);
  return lost_[static_cast<size_t>(rank)];
}

bool Mailbox::any_lost() const {
  const std::lock_guard lock(mutex_);
  return std::find(lost_.begin(), lost_.end(), true) != lost_.end();
}

bool Mailbox::close(bool together) {
  std::unique_lock lock(mutex_);
  closing_ = true;
  together_ = together;
  changed_.notify_all();
  if (changed_.wait_for(lock, patience_ + patience_, [this] { return closed_; })) return true;
  thread_.detach();
  return false;
}

/// Takes the messages to send; waits a moment for the first one.
std::deque<Message> Mailbox::take_outbox() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kMoment, [this] { return !outbox_.empty(); });
  return std::exchange(outbox_, {});
}

void Mailbox::work() {
  int provided = 0;
  // MPI is initialised in this thread, and all later calls of MPI come from it.
  const bool started = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided) == MPI_SUCCESS;
  if (started) {
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  {
    const std::lock_guard lock(mutex_);
    lost_.resize(static_cast<size_t>(size_));
    (started ? opened_ : failed_) = true;
    changed_.notify_all();
  }
  if (!started) return;
  Mail& mail = *new Mail(*this);  // never freed: MPI may access messages in transit until the process ends
  while (true) {
    for (Message& message : take_outbox()) mail.send(std::move(message));
    mail.finish_sending();
    for (const int rank : mail.peers) mail.receive(rank);
    mail.say_alive();
    mail.find_lost();
    const std::lock_guard lock(mutex_);
    if (closing_ && outbox_.empty() && !mail.waits_for_the_living()) break;
  }
  if (together_ && !mail.liveness.any_lost()) MPI_Finalize();
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace hre::mpi

#endif
