#pragma once
/// Decides how a model is computed on a machine: once, before the model is loaded, as a value. Loading, the memory
/// check, the description in a run and the computation itself all follow from that value.

#include <optional>
#include <string>
#include <vector>

#include "model/llama/computation.h"
#include "model/llama/fast/isa.h"
#include "model/llama/memory.h"
#include "model/llama/model_files.h"

namespace hre {

/// The machine's properties on which a plan depends, besides the model and the options.
struct Machine {
  fast::Isa isa = fast::Isa::kBaseline;
  bool has_kernels = false;             ///< this build's engine calls hre before it computes a node
  int cores = 1;                        ///< usable by this process
  std::optional<uint64_t> free_memory;  ///< of the host, in bytes; nothing if unknown
  std::vector<UsedDevice> devices;      ///< those that the options allow
};

/// Describes this machine, with the devices that these options name. Connects to their RPC servers.
Result<Machine> this_machine(const EngineOptions& options);

struct ComputationPlan {
  ComputationRules rules;
  bool may_repack = false;       ///< only the engine multiplies weights, so it may repack them
  bool streams_weights = false;  ///< rules.stream must be made from the loaded model
  std::string device;            ///< in words: "CPU", or the devices and their number of layers
  /// Totals over all scoring processes, and over all devices. Of streamed weights, only the part counts that is in
  /// memory at once; RPC servers check their own memory.
  MemoryNeeds host, devices;
};

/// Input errors for options that can't be combined on any machine.
Status check_together(const EngineOptions& options);

/// A pure function. Input errors for options that can't be combined, here or on any machine, for more tokens than the
/// model has learned positions, and for weights that can't be streamed through the machine's memory.
Result<ComputationPlan> plan_computation(const ModelFiles& files, const EngineOptions& options, const Machine& machine);

/// An input error if the machine has less memory than the plan needs: how much, where, and which option helps.
Status check_memory(const ComputationPlan& plan, const Machine& machine, const EngineOptions& options,
                    const std::string& path);

/// Fails if the loaded model is not what the plan assumed: the engine's architectures have changed.
Status check_traits(const llama_model* model, const ModelFiles& files);

}  // namespace hre
