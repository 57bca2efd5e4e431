#pragma once
/// Finds out what kind a server is and whether it can score a given text: every assumption is tested with known texts
/// before the first question is sent.

#include <functional>

#include "model/server/profile.h"
#include "model/token_plan.h"

namespace hre::server {

/// Performs one exchange with one server and repeats it if that may help; an error if there is no response in the end.
using Ask = std::function<Result<Reply>(const Request&)>;

/// Probes the server at `url`. `vocabulary` is the tokenizer that the user named, or null. Errors say what the server
/// can't do, and which servers can.
Result<Profile> probe_server(const std::string& url, const Address& address, const Encode& vocabulary, const Ask& ask);

/// Tokenises text with the server's own tokenizer, without special tokens.
Result<std::vector<Token>> ask_tokens(const Profile& profile, std::string_view text, const Ask& ask);

/// The token that the server's tokenizer puts before every text; nothing if there is none.
Result<std::optional<Token>> ask_bos(const Profile& profile, const Ask& ask);

}  // namespace hre::server
