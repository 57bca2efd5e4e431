#pragma once
/// The description of a run, as JSON text in the store's columns.

#include <optional>
#include <string>

#include "hre/run.h"
#include "store/keys.h"

namespace hre::store {

std::string components_json(const Components& components);
Result<Components> read_components(const std::string& json);

std::string model_json(const ModelDescription& model);
Result<ModelDescription> read_model(const std::string& json);

/// Without options that can't change a value (threads).
std::string options_json(const EvalOptions& options);
Result<EvalOptions> read_options(const std::string& json);

/// "null" if there is none.
std::string early_stop_json(const std::optional<EarlyStop>& stop);
Result<std::optional<EarlyStop>> read_early_stop(const std::string& json);

}  // namespace hre::store
