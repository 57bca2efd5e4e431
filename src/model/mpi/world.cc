#include "model/mpi/world.h"

#include <cstdlib>

namespace hre::mpi {

bool launched() {
  const auto says_several = [](const char* name) {
    const char* size = std::getenv(name);
    return size != nullptr && std::atoi(size) > 1;
  };
  // Slurm's srun also starts tasks that are not ranks; those have no PMIx rank.
  const bool by_slurm = std::getenv("PMIX_RANK") != nullptr && says_several("SLURM_STEP_NUM_TASKS");
  return by_slurm || says_several("OMPI_COMM_WORLD_SIZE") || says_several("PMI_SIZE");
}

namespace {

World& the_world() {
  static World world;
  return world;
}

}  // namespace

const World& world() { return the_world(); }

}  // namespace hre::mpi

#ifndef HRE_MPI

namespace hre::mpi {

struct Team::State {};
Team::Team() = default;
Team::~Team() = default;
MakeCrew Team::crew_maker(const ModelDescription&, std::function<void(const std::string&)>, std::stop_token) {
  return {};
}

bool built() { return false; }
Result<World> join(std::chrono::milliseconds, const std::string&) {
  return fail(ErrorCode::kFailed, "started as one of several processes, but this hre was built without MPI", "mpirun",
              "build it with -DHRE_MPI=ON, or give each process a shard with ‹shard› I/N");
}
Result<bool> serve(const Result<std::unique_ptr<Scorer>>&) { return false; }
void leave() {}

}  // namespace hre::mpi

#else

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "model/crew/messages.h"
#include "model/mpi/mailbox.h"

namespace hre::mpi {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto kMoment = std::chrono::milliseconds(100);  // how late a stop may be noticed

/// This process's state in the job.
struct Job {
  Mailbox* mailbox = nullptr;    // never freed, because its thread may not end
  std::string share;             // the value of --shard
  int64_t n_sent = 0;            // plans; each score returns its plan's number, so that late scores are recognised
  int model_number = 0;          // of the current model
  std::optional<bool> together;  // sent by rank 0 to the others: whether no rank is lost
};

Job& job() {
  static Job instance;
  return instance;
}

Mailbox& mailbox() { return *job().mailbox; }

/// Scores plans in a separate thread, one at a time, and sends each score to rank 0.
class Computer {
 public:
  explicit Computer(Scorer& scorer) : scorer_(scorer), thread_([this] { work(); }) {}
  ~Computer() {
    {
      const std::lock_guard lock(mutex_);
      stop_.request_stop();
    }
    changed_.notify_all();
    thread_.join();
  }

  /// Gives a plan to the thread. The score returns the number.
  void give(int64_t number, QuestionPlan plan) {
    {
      const std::lock_guard lock(mutex_);
      plan_ = {number, std::move(plan)};
    }
    changed_.notify_all();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return plan_.has_value() || stop_.stop_requested(); });
      if (stop_.stop_requested()) return;
      const auto [number, plan] = *std::exchange(plan_, std::nullopt);
      lock.unlock();
      mailbox().send(0, Tag::kScore, number, pack_score(score_one(scorer_, plan, stop_.get_token())));
      lock.lock();
    }
  }

  Scorer& scorer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::pair<int64_t, QuestionPlan>> plan_;
  std::stop_source stop_;
  std::thread thread_;
};

/// The parts of a description that must be equal for values to be equal.
std::string identity(const ModelDescription& model) {
  std::string text = model.fingerprint + "\n" + model.architecture + "\n" + model.file_type;
  for (const auto& [name, value] : model.settings) text += "\n" + name + "=" + value;
  return text;
}

}  // namespace

bool built() { return true; }

Result<World> join(std::chrono::milliseconds patience, const std::string& share) {
  auto opened = Mailbox::open(patience);
  if (!opened) return forward(opened);
  job().mailbox = opened->release();
  job().share = share;
  the_world() = {mailbox().rank(), mailbox().size()};
  if (mailbox().size() > 1) return world();
  // Otherwise every process would run the whole evaluation.
  mailbox().close(true);
  return fail(ErrorCode::kFailed, "started as one of several processes, but MPI sees only this one", "mpirun",
              "use the mpirun, or the srun --mpi=TYPE, of the MPI that hre was built with");
}

struct Team::State {
  int model_number = ++job().model_number;
  bool gathered = false, shares_differ = false;
  std::vector<int> ranks;  // the ranks that have this model; the first is 0
  std::unique_ptr<Computer> computer;

  /// Waits until every rank has opened the model, has failed to, or is lost.
  void gather(const std::string& expected, const std::function<void(const std::string&)>& note,
              const std::stop_token& stop) {
    gathered = true;
    ranks = {0};
    std::vector<bool> waited(static_cast<size_t>(mailbox().size()));
    for (int rank = 1; rank < mailbox().size(); ++rank) waited[static_cast<size_t>(rank)] = !mailbox().lost(rank);
    auto n_waited = std::count(waited.begin(), waited.end(), true);
    const auto leave_out = [&](int rank, const std::string& why) {
      if (note) note(fmt::format("rank {} is left out: {}", rank, why));
    };
    const auto deadline = SteadyClock::now() + std::chrono::minutes(30);  // for a large model on a shared disk
    while (n_waited > 0 && !stop.stop_requested() && SteadyClock::now() < deadline) {
      const auto message = mailbox().receive(kMoment);
      if (!message || message->rank == 0 || !waited[static_cast<size_t>(message->rank)]) continue;
      const bool is_ready = message->tag == Tag::kReady && message->number == model_number;
      if (!is_ready && message->tag != Tag::kLost) continue;
      waited[static_cast<size_t>(message->rank)] = false;
      --n_waited;
      if (message->tag == Tag::kLost) {
        leave_out(message->rank, "the rank is gone or silent");
      } else if (const size_t end = message->bytes.find('\n'); message->bytes.substr(0, end) != job().share) {
        shares_differ = true;
      } else if (const std::string found = message->bytes.substr(end + 1); found == expected) {
        ranks.push_back(message->rank);
      } else {
        leave_out(message->rank, found.starts_with("!") ? found.substr(1) : "its engine or model differs");
      }
    }
    for (int rank = 1; n_waited > 0 && rank < mailbox().size() && !stop.stop_requested(); ++rank) {
      if (waited[static_cast<size_t>(rank)]) leave_out(rank, "the rank has not opened the model within 30 minutes");
    }
  }
};

namespace {

/// The ranks, as a crew.
class RankCrew final : public Crew {
 public:
  explicit RankCrew(std::shared_ptr<Team::State> team) : team_(std::move(team)) {
    for (const int rank : team_->ranks) {
      if (!mailbox().lost(rank)) ranks_.push_back(rank);
    }
    given_.assign(ranks_.size(), -1);
  }
  ~RankCrew() override { team_->computer.reset(); }  // it uses the model, which may be destroyed before the team

  size_t size() const override { return ranks_.size(); }

  void give(size_t worker, const QuestionPlan& plan) override {
    given_[worker] = ++job().n_sent;
    if (worker == 0) return team_->computer->give(job().n_sent, plan);
    mailbox().send(ranks_[worker], Tag::kPlan, job().n_sent, pack_plan(plan));
  }

  std::vector<Event> wait(const std::stop_token& stop) override {
    std::vector<Event> events;
    auto message = stop.stop_requested() ? std::nullopt : mailbox().receive(kMoment);
    for (; message; message = mailbox().receive(std::chrono::milliseconds(0))) take(std::move(*message), events);
    return events;
  }

 private:
  void take(Message message, std::vector<Event>& events) {
    const auto found = std::find(ranks_.begin(), ranks_.end(), message.rank);
    if (found == ranks_.end()) return;
    const auto worker = static_cast<size_t>(found - ranks_.begin());
    if (message.tag == Tag::kLost) {
      events.push_back({worker, true, fmt::format("rank {} is gone or silent", message.rank), {}});
    } else if (message.tag == Tag::kScore && message.number == given_[worker]) {
      given_[worker] = -1;
      events.push_back({worker, false, "", unpack_score(message.bytes)});
    }
  }

  std::shared_ptr<Team::State> team_;
  std::vector<int> ranks_;      // by worker; the first is 0
  std::vector<int64_t> given_;  // the number of each worker's plan; scores with numbers of earlier crews are ignored
};

}  // namespace

Team::Team() : state_(std::make_shared<State>()) {}

Team::~Team() {
  for (int rank = 1; rank < mailbox().size(); ++rank) mailbox().send(rank, Tag::kEndOfModel, state_->model_number);
}

MakeCrew Team::crew_maker(const ModelDescription& description, std::function<void(const std::string&)> note,
                          std::stop_token stop) {
  return
      [state = state_, expected = identity(description), note, stop](Scorer& scorer) -> Result<std::unique_ptr<Crew>> {
        if (!state->gathered) state->gather(expected, note, stop);
        if (state->shares_differ) {
          return input_error("ranks of one MPI job have different shards", "‹shard›",
                             "a shard per process is for processes without MPI: srun --mpi=none");
        }
        state->computer = std::make_unique<Computer>(scorer);
        return std::make_unique<RankCrew>(state);
      };
}

Result<bool> serve(const Result<std::unique_ptr<Scorer>>& model) {
  const int model_number = ++job().model_number;
  mailbox().send(0, Tag::kReady, model_number,
                 job().share + "\n" + (model ? identity((*model)->describe()) : "!" + model.error().text()));
  std::optional<Computer> computer;
  if (model) computer.emplace(**model);
  while (true) {
    const auto message = mailbox().receive(kMoment);
    if (!message) continue;
    if (message->tag == Tag::kLost) {
      job().together = false;
      return fail(ErrorCode::kFailed, "rank 0 is gone or silent", fmt::format("rank {}", world().rank),
                  "the same command resumes from the stored answers");
    }
    if (message->tag == Tag::kEndOfJob) {
      job().together = message->number == 0;
      return false;
    }
    if (message->tag == Tag::kEndOfModel && message->number == model_number) return true;
    if (message->tag != Tag::kPlan || !computer) continue;
    if (auto plan = unpack_plan(message->bytes)) computer->give(message->number, std::move(*plan));
  }
}

void leave() {
  if (world().rank == 0) {
    const bool any_lost = mailbox().any_lost();
    for (int rank = 1; rank < mailbox().size(); ++rank) mailbox().send(rank, Tag::kEndOfJob, any_lost ? 1 : 0);
    job().together = !any_lost;
  }
  while (!job().together) {  // a rank that is done with all models waits for the other ranks
    const auto message = mailbox().receive(kMoment);
    if (message && message->tag == Tag::kEndOfJob) job().together = message->number == 0;
    if (message && message->tag == Tag::kLost) job().together = false;
  }
  mailbox().close(*job().together);
}

}  // namespace hre::mpi

#endif
