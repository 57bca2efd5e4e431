/// Chat templates: parsed, and rendered where that works.

#include <cstddef>
#include <cstdint>

#include "model/chat/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parsed = hre::ChatTemplate::parse({reinterpret_cast<const char*>(data), size}, {{"bos_token", "<s>"}});
  if (parsed) (void)parsed->apply({"Why?", {"Because."}}, "Be brief.");
  return 0;
}
