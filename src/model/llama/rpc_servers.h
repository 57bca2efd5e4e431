#pragma once
/// libllama's RPC servers: other processes, usually on other machines, that compute layers of a model.

#include <ggml-backend.h>

#include <string>
#include <vector>

#include "hre/result.h"

namespace hre {

/// Registers the devices of these servers (HOST:PORT) with libllama, each server once. Fails if a server does not
/// answer within ten seconds (for example because it serves another program), or if this engine has no RPC.
Status add_rpc_servers(const std::vector<std::string>& servers);

/// The error to report after LostRpcServer was thrown.
Error lost_rpc_server();

/// Whether all registered servers still answer; true if there are none. A model's objects on a lost server must not be
/// freed: libllama would end the process.
bool rpc_servers_answer();

/// Describes a server's device: "RPC device of 81559 MiB". Empty for any other device.
std::string describe_rpc_device(ggml_backend_dev_t device);

}  // namespace hre
