#pragma once
/// The network behind a Transport: one thread per request in flight, each with a persistent connection.

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/scorer.h"
#include "model/server/dispatcher.h"
#include "net/http.h"

namespace hre::server {

/// Performs one exchange with the server at `url`. The API key is sent only to that server, and removed from its
/// messages.
Reply exchange(net::HttpClient& client, const std::string& url, const Request& request, const ServerOptions& options,
               const std::string& api_key, const std::stop_token& stop);

/// A transport that sends to the servers at `urls`.
std::unique_ptr<Transport> make_http_transport(net::HttpClient& client, const std::vector<std::string>& urls,
                                               const ServerOptions& options, const std::string& api_key);

}  // namespace hre::server
