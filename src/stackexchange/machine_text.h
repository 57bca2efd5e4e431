#pragma once
/// Hints that an answer was written by a language model. They are hints: people write such phrases too, and quote them,
/// and most text of models has none of them.

#include <cstdint>
#include <string_view>

#include "stackexchange/post.h"

namespace hre::stackexchange {

/// Phrases of chat models, in lower case; the first is for "none".
inline constexpr std::string_view kMachinePhrases[] = {"",
                                                       "as an ai language model",
                                                       "as a large language model",
                                                       "as an ai assistant",
                                                       "as of my last knowledge update",
                                                       "as of my last update",
                                                       "my knowledge cutoff",
                                                       "regenerate response",
                                                       "i cannot browse the internet",
                                                       "certainly! here",
                                                       "certainly! below",
                                                       "sure! here",
                                                       "i hope this helps! let me know",
                                                       "is there anything else i can help"};

/// The number of the first of these phrases that the text has (ASCII letters in any case); 0 if it has none.
uint8_t machine_phrase(std::string_view text);

/// Whether a post was written or edited since 2022-12-01, from when on chat models were in general use.
bool is_of_model_times(const PostRecord& post);

}  // namespace hre::stackexchange
