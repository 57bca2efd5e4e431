/// Chat templates: parsed, and rendered where that works, in this process: how much they use is bounded by theirs
/// alone.

#include <cstddef>
#include <cstdint>

#include "model/chat/renderer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parsed =
      hre::chat::Renderer::parse({{reinterpret_cast<const char*>(data), size}, {{"bos_token", "<s>"}}, "2024-07-26"});
  if (parsed) (void)parsed->render({"Be brief.", "Why?", ""});
  return 0;
}
