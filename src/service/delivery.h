#pragma once
/// Hands results to others: a command of the shell, an address on the web. A result that can't be handed over is no
/// failure of the work that made it, so these calls take bounded time and give a reason.

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/result.h"
#include "net/http.h"

namespace hre::service {

/// Runs a command by /bin/sh with the text on its standard input and "NAME=VALUE" in its environment. It is ended, with
/// its children, after `longest`. Its lines go to `line`.
Status run_command(const std::string& command, const std::string& text, const std::vector<std::string>& environment,
                   std::chrono::milliseconds longest, const std::function<void(const std::string&)>& line,
                   const std::stop_token& stop);

/// Posts JSON and expects a status of 2xx. Repeats what may help, three times in all, half a minute each at most.
Status post_json(net::HttpClient& client, const std::string& url, const std::string& json, const std::stop_token& stop);

}  // namespace hre::service
