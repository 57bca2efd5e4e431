#include "store/description.h"

#include <nlohmann/json.hpp>

#include "core/json_whole.h"

namespace hre::store {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// Calls a function that reads JSON, and turns nlohmann's exceptions into an error.
template <class Read>
auto guarded(const std::string& text, Read read) -> Result<decltype(read(Json()))> {
  try {
    return read(Json::parse(text));
  } catch (const Json::exception& problem) {
    return fail(ErrorCode::kFailed, std::string("a description in the store can't be read: ") + problem.what(), "",
                "hre runs repair saves what can be read");
  }
}

}  // namespace

std::string components_json(const Components& components) { return dump(Json(components)); }

Result<Components> read_components(const std::string& json) {
  return guarded(json, [](const Json& value) { return value.get<Components>(); });
}

std::string model_json(const ModelDescription& model) {
  return dump({{"name", model.name},
               {"source", model.source},
               {"fingerprint", model.fingerprint},
               {"architecture", model.architecture},
               {"parameters", model.parameters},
               {"file_type", model.file_type},
               {"context_length", model.context_length},
               {"normalise_by_characters", model.normalise_by_characters},
               {"settings", Components(model.settings)}});
}

Result<ModelDescription> read_model(const std::string& json) {
  return guarded(json, [](const Json& value) {
    ModelDescription model;
    value.at("name").get_to(model.name);
    value.at("source").get_to(model.source);
    value.at("fingerprint").get_to(model.fingerprint);
    value.at("architecture").get_to(model.architecture);
    model.parameters = whole_number<uint64_t>(value.at("parameters"));
    value.at("file_type").get_to(model.file_type);
    model.context_length = whole_number<int64_t>(value.at("context_length"));
    value.at("normalise_by_characters").get_to(model.normalise_by_characters);
    value.at("settings").get_to(model.settings);
    return model;
  });
}

std::string options_json(const EvalOptions& options) {
  Json shard = nullptr;
  if (options.shard) shard = {options.shard->index, options.shard->count};
  return dump({{"prompt", options.prompt},
               {"shard", std::move(shard)},
               {"topics", options.topics},
               {"where", options.where},
               {"limit", options.limit ? Json(*options.limit) : Json(nullptr)},
               {"shuffle_seed", options.shuffle ? Json(options.shuffle_seed) : Json(nullptr)},
               {"undefined", static_cast<int>(options.undefined)},
               {"keep_tokens", options.keep_tokens}});
}

Result<EvalOptions> read_options(const std::string& json) {
  return guarded(json, [](const Json& value) {
    EvalOptions options;
    value.at("prompt").get_to(options.prompt);
    value.at("topics").get_to(options.topics);
    if (value.contains("where")) value.at("where").get_to(options.where);
    if (const Json& limit = value.at("limit"); !limit.is_null()) options.limit = whole_number<int64_t>(limit);
    options.shuffle = !value.at("shuffle_seed").is_null();
    if (options.shuffle) options.shuffle_seed = whole_number<uint64_t>(value.at("shuffle_seed"));
    const int undefined = whole_number<int>(value.at("undefined"));
    if (undefined >= 0 && undefined <= static_cast<int>(UndefinedPolicy::kFail)) {
      options.undefined = static_cast<UndefinedPolicy>(undefined);
    }
    value.at("keep_tokens").get_to(options.keep_tokens);
    if (const Json shard = value.value("shard", Json()); shard.is_array()) {
      options.shard = ShardChoice{whole_number<int>(shard.at(0)), whole_number<int>(shard.at(1))};
    }
    return options;
  });
}

std::string early_stop_json(const std::optional<EarlyStop>& stop) {
  if (!stop) return "null";
  const auto number = [](const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); };
  return dump({{"rule", stop->rule},
               {"metric", stop->metric},
               {"seed", stop->seed},
               {"reached", stop->reached},
               {"low", number(stop->low)},
               {"high", number(stop->high)}});
}

Result<std::optional<EarlyStop>> read_early_stop(const std::string& json) {
  return guarded(json, [](const Json& value) -> std::optional<EarlyStop> {
    if (value.is_null()) return std::nullopt;
    EarlyStop stop;
    value.at("rule").get_to(stop.rule);
    value.at("metric").get_to(stop.metric);
    stop.seed = whole_number<uint64_t>(value.at("seed"));
    value.at("reached").get_to(stop.reached);
    if (const Json& low = value.at("low"); !low.is_null()) stop.low = low.get<double>();
    if (const Json& high = value.at("high"); !high.is_null()) stop.high = high.get<double>();
    return stop;
  });
}

}  // namespace hre::store
