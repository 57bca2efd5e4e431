#pragma once
/// How a model is computed on a machine: decided once, before it is loaded, as a value. Loading, the memory check, the
/// description that goes into a run and the computation itself all follow from that value.

#include <optional>
#include <string>
#include <vector>

#include "model/llama/computation.h"
#include "model/llama/fast/isa.h"
#include "model/llama/memory.h"
#include "model/llama/model_files.h"

namespace hre {

/// What a plan depends on beside the model and the options.
struct Machine {
  fast::Isa isa = fast::Isa::kBaseline;
  bool has_kernels = false;             ///< this build's engine asks hre before it computes a node
  int cores = 1;                        ///< that this process may use
  std::optional<uint64_t> free_memory;  ///< of the host, in bytes; nothing where the system doesn't say
  std::vector<UsedDevice> devices;      ///< those that the options let the engine use
};

/// This machine, with the devices that these options name. Connects to their RPC servers.
Result<Machine> this_machine(const EngineOptions& options);

struct ComputationPlan {
  ComputationRules rules;
  bool may_repack = false;       ///< the engine multiplies all weights, and may lay them out for that
  bool streams_weights = false;  ///< rules.stream is to be made from the loaded model
  std::string device;            ///< in words: "CPU", or the devices and how many layers they have
  /// Of all processes that score, and of all devices together. Weights that are streamed count as far as they are held
  /// at once; RPC servers say themselves what they have room for.
  MemoryNeeds host, devices;
};

/// Input errors for options that can't go together on any machine.
Status check_together(const EngineOptions& options);

/// A pure function. Input errors for options that can't go together, here or on any machine, for more tokens than a
/// model has learned positions, and for weights that can't be streamed through the machine's memory.
Result<ComputationPlan> plan_computation(const ModelFiles& files, const EngineOptions& options, const Machine& machine);

/// An input error where the machine has less than the plan needs: how much, where, and which option helps.
Status check_memory(const ComputationPlan& plan, const Machine& machine, const EngineOptions& options,
                    const std::string& path);

/// Fails where the loaded model is not as the plan took it to be: the engine's architectures have changed.
Status check_traits(const llama_model* model, const ModelFiles& files);

}  // namespace hre
