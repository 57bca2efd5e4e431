#pragma once
/// The folder src/model/server: models behind inference servers: vLLM, SGLang, TGI and others that speak OpenAI's API.
///
/// Not here: HTTP itself (src/net), and the rule that turns text into tokens (src/model/token_plan.h).
/// Types:    `Profile` is what the probe learned of a server; `Alignment` says which of its numbers is which token's;
///           `Dispatcher` sends many `Request`s by a `Transport`.
/// Owners:   the scorer owns client, transport and dispatcher; the dispatcher keeps what it learned of each server.
/// Threads:  the dispatcher is one thread's; each request in flight has a thread of the transport.
/// To add:   a kind of server: a value of `Api` (address.h), its requests (requests.h) and responses (responses.h), a
///           case in probe.cc.

/// A model behind inference servers.

#include <memory>
#include <string>

#include "hre/scorer.h"

namespace hre {

/// Opens server:URL[,...]: finds out what kind the servers are, and whether they can score a given text. If one of
/// several servers fails, it is left out, with a note.
Result<std::unique_ptr<Scorer>> open_server(const std::string& source, const ModelOptions& options);

}  // namespace hre
