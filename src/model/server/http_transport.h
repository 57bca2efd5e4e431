#pragma once
/// The network behind a Transport: as many threads as there are requests in flight, each with a connection kept alive.

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/scorer.h"
#include "model/server/dispatcher.h"
#include "net/http.h"

namespace hre::server {

/// One exchange with the server at `url`. The API key is sent to that server alone, and taken out of what it says.
Reply exchange(net::HttpClient& client, const std::string& url, const Request& request, const ServerOptions& options,
               const std::string& api_key, const std::stop_token& stop);

/// Sends to the servers at `urls`.
std::unique_ptr<Transport> make_http_transport(net::HttpClient& client, const std::vector<std::string>& urls,
                                               const ServerOptions& options, const std::string& api_key);

}  // namespace hre::server
