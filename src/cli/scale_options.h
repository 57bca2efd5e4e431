#pragma once
/// Options for more than one process: shards, workers, ranks of an MPI job; and lists of models.

#include <string>
#include <vector>

#include "cli/command.h"
#include "hre/engine_options.h"
#include "hre/run.h"

namespace CLI {
class App;
}

namespace hre::cli {

struct ScaleArguments {
  std::string shard;        ///< "I/N"
  std::string models_file;  ///< one MODEL a line
  int workers = 1;
  double rank_timeout = 30;  ///< seconds
  std::vector<std::string> rpc;
};

void define_scale(CLI::App& app, ScaleArguments& arguments);

/// This process's part in an MPI job; of its own where there is none.
class Ranks {
 public:
  explicit Ranks(bool joined) : joined_(joined) {}
  Ranks(Ranks&& other) noexcept : joined_(std::exchange(other.joined_, false)) {}
  Ranks& operator=(Ranks&&) = delete;
  ~Ranks();  ///< leaves the job

  /// Whether this process only scores what rank 0 sends.
  [[nodiscard]] bool helps() const;
  static Status help(const std::vector<std::string>& models, const EngineOptions& options, Console& console);

 private:
  bool joined_;
};

/// Puts the arguments where they belong: models of the file after those of the command line, workers, the shard.
/// Joins the MPI job that started this process. Input errors for what is no I/N, an empty file, no model at all.
Result<Ranks> apply_scale(const ScaleArguments& arguments, std::vector<std::string>& models, EngineOptions& model,
                          EvalOptions& eval);

}  // namespace hre::cli
