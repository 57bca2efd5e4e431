#pragma once
/// Finds out what a server is and whether it scores a given text: every assumption is tried with known texts before
/// the first question is sent.

#include <functional>

#include "model/server/profile.h"
#include "model/token_plan.h"

namespace hre::server {

/// One exchange with one server, tried again where that may help; an error where there was no answer in the end.
using Ask = std::function<Result<Reply>(const Request&)>;

/// The server at `url`. `vocabulary`: the tokenizer that the user named, or null. Errors say what the server can't do
/// and which servers can.
Result<Profile> probe_server(const std::string& url, const Address& address, const Encode& vocabulary, const Ask& ask);

/// Text to tokens by the server's own tokenizer, none added.
Result<std::vector<Token>> ask_tokens(const Profile& profile, std::string_view text, const Ask& ask);

/// The token that the server's tokenizer puts in front of texts; nothing where it puts none.
Result<std::optional<Token>> ask_bos(const Profile& profile, const Ask& ask);

}  // namespace hre::server
