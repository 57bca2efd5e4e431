#pragma once
/// libllama's RPC servers: other processes, on other machines mostly, that compute layers of a model.

#include <ggml-backend.h>

#include <string>
#include <vector>

#include "hre/result.h"

namespace hre {

/// Makes the devices of these servers (HOST:PORT) known to libllama, once each. Errors where one does not answer in ten
/// seconds, as one that serves another program does not, or where this engine has no RPC.
Status add_rpc_servers(const std::vector<std::string>& servers);

/// What to say where LostRpcServer was thrown.
Error lost_rpc_server();

/// Whether all that were added still answer; true where there are none. What a model has on one that is gone can't be
/// freed: libllama would end the process.
bool rpc_servers_answer();

/// What a server's device is, as far as it tells: "RPC device of 81559 MiB". Empty for any other device.
std::string describe_rpc_device(ggml_backend_dev_t device);

}  // namespace hre
