/// Chat templates: parsed and rendered in a process of their own, as everywhere. They may loop for ever, overflow the
/// stack or fill the memory there: here, there is a prompt or a message, in bounded time.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "model/chat/render_process.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto process = hre::chat::RenderProcess::start(
      {{reinterpret_cast<const char*>(data), size}, {{"bos_token", "<s>"}}, "2024-07-26"}, {.seconds = 1});
  if (!process) {
    if (process.error().message.empty()) std::abort();
    return 0;
  }
  const auto prompt = (*process)->render({"Be brief.", "Why?", ""});
  if (!prompt && prompt.error().message.empty()) std::abort();
  if (prompt && !(*process)->alive()) std::abort();
  return 0;
}
