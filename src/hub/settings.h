#pragma once
/// The addresses of the hub and of its cache, from the environment variables of Python's huggingface_hub.

#include <chrono>
#include <functional>
#include <string>

#include "hre/result.h"

namespace hre::hub {

struct HubSettings {
  std::string endpoint = "https://huggingface.co";  ///< HF_ENDPOINT, without a slash at its end
  std::string cache;                                ///< HF_HUB_CACHE, else $HF_HOME/hub
  std::string token;                                ///< HF_TOKEN, else the file HF_TOKEN_PATH or $HF_HOME/token
  bool offline = false;                             ///< HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE
  std::chrono::milliseconds timeout{10'000};        ///< of silence; HF_HUB_DOWNLOAD_TIMEOUT, in seconds
};

/// The value of an environment variable; empty if it is not set.
using Environment = std::function<std::string(const std::string& name)>;
std::string process_environment(const std::string& name);

/// Reads the variables, and the token's file.
Result<HubSettings> read_settings(const Environment& environment = process_environment);

}  // namespace hre::hub
