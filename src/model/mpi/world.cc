#include "model/mpi/world.h"

#include <cstdlib>

namespace hre::mpi {

bool launched() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    const char* size = std::getenv(name);
    if (size != nullptr && std::atoi(size) > 1) return true;
  }
  return false;
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

Result<World> join() {
  return fail(ErrorCode::kFailed, "started as one of several processes, but this hre was built without MPI", "mpirun",
              "build it with -DHRE_MPI=ON, or give each process a share with --shard I/N");
}
bool serve(const Result<std::unique_ptr<Scorer>>&, const std::stop_token&) { return false; }
void leave() {}

}  // namespace hre::mpi

#else

#include <fmt/format.h>
#include <mpi.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "model/crew/messages.h"

namespace hre::mpi {
namespace {

using SteadyClock = std::chrono::steady_clock;

enum Tag { kReady = 1, kPlan, kScore, kAlive, kEndOfModel, kEndOfJob };

constexpr auto kBeat = std::chrono::seconds(2);     // a rank that computes says that it is alive
constexpr auto kSilent = std::chrono::seconds(30);  // after which it counts as lost
constexpr auto kMoment = std::chrono::microseconds(300);

/// This process's part in the job. MPI is called from the main thread alone.
struct Job {
  std::vector<bool> lost;
  int64_t n_sent = 0;  // plans; a number comes back with each score, so that late ones are told
  int turn = 0;        // of the models
};

Job& job() {
  static Job instance;
  return instance;
}

void send(int rank, Tag tag, int64_t number, const std::string& bytes = {}) {
  std::string message(reinterpret_cast<const char*>(&number), sizeof number);
  message += bytes;
  MPI_Send(message.data(), static_cast<int>(message.size()), MPI_BYTE, rank, tag, MPI_COMM_WORLD);
}

struct Message {
  int rank;
  Tag tag;
  int64_t number = 0;
  std::string bytes;
};

std::optional<Message> try_receive() {
  int flag = 0, size = 0;
  MPI_Status status;
  if (MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &flag, &status) != MPI_SUCCESS || flag == 0) return {};
  MPI_Get_count(&status, MPI_BYTE, &size);
  std::string bytes(static_cast<size_t>(size), '\0');
  MPI_Recv(bytes.data(), size, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  Message message{status.MPI_SOURCE, static_cast<Tag>(status.MPI_TAG), 0, {}};
  if (bytes.size() < sizeof message.number) return {};
  bytes.copy(reinterpret_cast<char*>(&message.number), sizeof message.number);
  message.bytes = bytes.substr(sizeof message.number);
  return message;
}

/// Scores one plan at a time in a thread of its own.
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

  /// The number comes back with the score.
  void give(int64_t number, QuestionPlan plan) {
    {
      const std::lock_guard lock(mutex_);
      plan_ = {number, std::move(plan)};
    }
    changed_.notify_all();
  }
  struct Done {
    int64_t number;
    Result<QuestionScore> score;
  };
  std::optional<Done> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(score_, std::nullopt);
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return plan_.has_value() || stop_.stop_requested(); });
      if (stop_.stop_requested()) return;
      const auto [number, plan] = *std::exchange(plan_, std::nullopt);
      lock.unlock();
      auto score = score_one(scorer_, plan, stop_.get_token());
      lock.lock();
      score_ = Done{number, std::move(score)};
    }
  }

  Scorer& scorer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::pair<int64_t, QuestionPlan>> plan_;
  std::optional<Done> score_;
  std::stop_source stop_;
  std::thread thread_;
};

/// Everything of a description that must be equal for values to be equal.
std::string identity(const ModelDescription& model) {
  std::string text = model.fingerprint + "\n" + model.architecture + "\n" + model.file_type;
  for (const auto& [name, value] : model.settings) text += "\n" + name + "=" + value;
  return text;
}

}  // namespace

Result<World> join() {
  int provided = 0;
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS) {
    return fail(ErrorCode::kFailed, "MPI could not be started", "mpirun");
  }
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, &the_world().rank);
  MPI_Comm_size(MPI_COMM_WORLD, &the_world().size);
  job().lost.resize(static_cast<size_t>(the_world().size));
  return world();
}

/// Members: 0 is this process, the others are ranks.
struct Team::State {
  int turn = ++job().turn;
  bool gathered = false;
  std::vector<int> ranks;  // by member; ranks[0] == 0
  std::vector<SteadyClock::time_point> heard;
  std::vector<int64_t> given;  // the number of each member's plan
  std::unique_ptr<Computer> computer;

  /// Waits until every rank has opened the model, or could not.
  void gather(const std::string& expected, const std::function<void(const std::string&)>& note,
              const std::stop_token& stop) {
    gathered = true;
    ranks = {0};
    size_t waiting = 0;
    for (size_t rank = 1; rank < job().lost.size(); ++rank) waiting += !job().lost[rank];
    const auto deadline = SteadyClock::now() + std::chrono::minutes(30);  // loading a large model from a shared disk
    while (waiting > 0 && !stop.stop_requested() && SteadyClock::now() < deadline) {
      const auto message = try_receive();
      if (!message) {
        std::this_thread::sleep_for(kMoment);
        continue;
      }
      if (message->tag != kReady || message->number != turn) continue;
      --waiting;
      if (message->bytes == expected) {
        ranks.push_back(message->rank);
      } else if (note) {
        note(fmt::format("rank {} is left out: {}", message->rank,
                         message->bytes.starts_with("!") ? message->bytes.substr(1) : "its engine or model differs"));
      }
    }
    heard.assign(ranks.size(), SteadyClock::now());
    given.assign(ranks.size(), -1);
  }
};

namespace {

/// The ranks as a crew; belongs to one call of score().
class RankCrew final : public Crew {
 public:
  RankCrew(std::shared_ptr<Team::State> team) : team_(std::move(team)) {}
  ~RankCrew() override {
    team_->computer.reset();                       // it computes with the model, which may end before the team does
    team_->given.assign(team_->ranks.size(), -1);  // what is on its way is of no use now
  }

  size_t size() const override { return team_->ranks.size(); }

  void give(size_t worker, size_t, const QuestionPlan& plan) override {
    team_->given[worker] = ++job().n_sent;
    team_->heard[worker] = SteadyClock::now();
    if (worker == 0) return team_->computer->give(job().n_sent, plan);
    send(team_->ranks[worker], kPlan, job().n_sent, pack_plan(plan));
  }

  std::vector<Event> wait(const std::stop_token& stop) override {
    std::vector<Event> events;
    for (int i = 0; i < 300 && events.empty() && !stop.stop_requested(); ++i) {
      take_own(events);
      take_messages(events);
      find_lost(events);
      if (events.empty()) std::this_thread::sleep_for(kMoment);
    }
    return events;
  }

 private:
  void take_own(std::vector<Event>& events) {
    if (team_->given[0] < 0) return;
    auto done = team_->computer->take();
    if (!done || done->number != team_->given[0]) return;
    team_->given[0] = -1;
    events.push_back({0, false, "", std::move(done->score)});
  }

  void take_messages(std::vector<Event>& events) {
    while (const auto message = try_receive()) {
      for (size_t member = 1; member < team_->ranks.size(); ++member) {
        if (team_->ranks[member] != message->rank) continue;
        team_->heard[member] = SteadyClock::now();
        if (message->tag != kScore || message->number != team_->given[member]) continue;
        team_->given[member] = -1;
        events.push_back({member, false, "", unpack_score(message->bytes)});
      }
    }
  }

  void find_lost(std::vector<Event>& events) {
    for (size_t member = 1; member < team_->ranks.size(); ++member) {
      if (team_->given[member] < 0 || SteadyClock::now() - team_->heard[member] < kSilent) continue;
      team_->given[member] = -1;
      job().lost[static_cast<size_t>(team_->ranks[member])] = true;
      events.push_back({member, true, fmt::format("rank {} is silent", team_->ranks[member]), {}});
    }
  }

  std::shared_ptr<Team::State> team_;
};

}  // namespace

Team::Team() : state_(std::make_shared<State>()) {}

Team::~Team() {
  for (int rank = 1; rank < the_world().size; ++rank) {
    if (!job().lost[static_cast<size_t>(rank)]) send(rank, kEndOfModel, state_->turn);
  }
}

MakeCrew Team::crew_maker(const ModelDescription& description, std::function<void(const std::string&)> note,
                          std::stop_token stop) {
  return [state = state_, expected = identity(description), note, stop](
             Scorer& scorer, std::span<const QuestionPlan>) -> Result<std::unique_ptr<Crew>> {
    if (!state->gathered) state->gather(expected, note, stop);
    state->computer = std::make_unique<Computer>(scorer);
    return std::make_unique<RankCrew>(state);
  };
}

bool serve(const Result<std::unique_ptr<Scorer>>& model, const std::stop_token&) {
  const int turn = ++job().turn;
  send(0, kReady, turn, model ? identity((*model)->describe()) : "!" + model.error().text());
  std::unique_ptr<Computer> computer;
  if (model) computer = std::make_unique<Computer>(**model);
  int64_t number = -1;
  auto beat = SteadyClock::now();
  while (true) {
    if (auto done = computer ? computer->take() : std::nullopt) {
      send(0, kScore, done->number, pack_score(done->score));
      if (done->number == number) number = -1;
    }
    if (number >= 0 && SteadyClock::now() - beat > kBeat) {
      send(0, kAlive, number);
      beat = SteadyClock::now();
    }
    const auto message = try_receive();
    if (!message) {
      std::this_thread::sleep_for(kMoment);
      continue;
    }
    if (message->tag == kEndOfJob) return false;
    if (message->tag == kEndOfModel && message->number == turn) return true;
    if (message->tag != kPlan || !computer) continue;
    auto plan = unpack_plan(message->bytes);
    if (!plan) continue;
    number = message->number;
    computer->give(number, std::move(*plan));
  }
}

void leave() {
  bool any_lost = false;
  for (int rank = 1; the_world().rank == 0 && rank < the_world().size; ++rank) {
    any_lost = any_lost || job().lost[static_cast<size_t>(rank)];
    if (!job().lost[static_cast<size_t>(rank)]) send(rank, kEndOfJob, 0);
  }
  if (!any_lost) MPI_Finalize();
}

}  // namespace hre::mpi

#endif
