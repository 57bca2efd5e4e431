#include "cli/scale_options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <chrono>
#include <cmath>
#include <sstream>

#include "core/files.h"
#include "hub/open.h"
#include "model/mpi/world.h"

namespace hre::cli {
namespace {

Result<ShardChoice> parse_shard(const std::string& text) {
  ShardChoice shard;
  const char *at = text.data(), *end = text.data() + text.size();
  const auto [slash, problem] = std::from_chars(at, end, shard.index);
  const bool half = problem == std::errc() && slash != end && *slash == '/';
  const auto [last, other] =
      half ? std::from_chars(slash + 1, end, shard.count) : std::from_chars_result{at, std::errc()};
  const bool whole = half && other == std::errc() && last == end;
  if (!whole || shard.count < 1 || shard.index < 1 || shard.index > shard.count) {
    return input_error("'" + text + "' is not a shard", "--shard", "write I/N, with I from 1 to N: --shard 3/16");
  }
  return shard;
}

/// Lines of a list, without blank ones and comments.
Result<std::vector<std::string>> read_models(const std::string& path) {
  auto text = read_file(path, 1 << 20);
  if (!text) {
    text.error().next = "--models is a text file with one MODEL per line";
    return forward(text);
  }
  std::vector<std::string> models;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find_first_not_of(" \t\r"), last = line.find_last_not_of(" \t\r");
    if (first != std::string::npos && line[first] != '#') models.push_back(line.substr(first, last - first + 1));
  }
  if (models.empty()) return input_error("names no model", path, "write one MODEL per line");
  return models;
}

}  // namespace

void define_scale(CLI::App& app, ScaleArguments& arguments) {
  app.add_option("--models", arguments.models_file,
                 "a file with one MODEL per line; lines that begin with # are comments")
      ->type_name("FILE");
  app.add_option("--shard", arguments.shard,
                 "evaluate only shard I of N, for job arrays; merge the shards with hre runs merge")
      ->type_name("I/N");
  app.add_option("--workers", arguments.workers,
                 "number of processes that score, with one copy of the weights (default 1)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024).description(""));
  app.add_option("--rank-timeout", arguments.rank_timeout,
                 "seconds of silence after which a rank of mpirun is considered dead (default 30)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.5, 86400.0).description(""));
  app.add_option("--rpc", arguments.rpc, "give layers to libllama's rpc-server at this address; repeatable")
      ->type_name("HOST:PORT")
      ->allow_extra_args(false);
}

Ranks::~Ranks() {
  if (joined_) mpi::leave();
}

bool Ranks::helps() const { return joined_ && mpi::world().rank > 0; }

Status Ranks::help(const std::vector<std::string>& models, const EngineOptions& options, Console& console) {
  SilentProgress silent;
  for (const std::string& source : models) {
    auto more = mpi::serve(open_model_argument(source, options, silent, console.stop));
    if (!more) return forward(more);
    if (!*more) break;
  }
  return {};
}

Result<Ranks> apply_scale(const ScaleArguments& arguments, std::vector<std::string>& models, EngineOptions& model,
                          EvalOptions& eval) {
  if (!arguments.models_file.empty()) {
    auto listed = read_models(arguments.models_file);
    if (!listed) return forward(listed);
    models.insert(models.end(), listed->begin(), listed->end());
  }
  if (models.empty()) return input_error("no MODEL is given", "hre eval", "hre eval --help shows the options");
  model.workers = arguments.workers;
  model.rpc = arguments.rpc;
  if (!arguments.shard.empty()) {
    auto shard = parse_shard(arguments.shard);
    if (!shard) return forward(shard);
    eval.shard = *shard;
  }
  // Without MPI, each of the processes that srun started may have a share of its own.
  if (!mpi::launched() || (eval.shard && !mpi::built())) return Ranks(false);
  if (arguments.workers > 1)
    return input_error("ranks of mpirun have no workers of their own", "--workers", "start more ranks");
  if (!arguments.rpc.empty())
    return input_error("an rpc-server serves one process at a time", "--rpc", "start hre without mpirun");
  auto world = mpi::join(std::chrono::milliseconds(std::lround(1000 * arguments.rank_timeout)), arguments.shard);
  if (!world) return forward(world);
  return Ranks(true);
}

}  // namespace hre::cli
