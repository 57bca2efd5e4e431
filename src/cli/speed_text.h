#pragma once
/// What the engine did, where its time went, and how near the machine's limit it came: for people and as JSON.

#include <nlohmann/json.hpp>
#include <string>

#include "model/speed.h"

namespace hre::cli {

/// A stretch of work of one process.
struct Speed {
  EngineWork work;          ///< in that stretch alone
  double plan_seconds = 0;  ///< text to tokens
  double keep_seconds = 0;  ///< handing answers to the store
  double seconds = 0;       ///< all of it
  MachinePeak peak;
};

/// The least time in which the counted arithmetic could be done at the measured peak, in seconds; 0 where nothing was
/// counted.
double limit_of(const Speed& speed);

/// A table, and a line about the limit.
std::string speed_text(const Speed& speed, int width);
nlohmann::ordered_json speed_json(const Speed& speed);

/// The process's largest memory so far, in bytes.
int64_t peak_memory();

}  // namespace hre::cli
