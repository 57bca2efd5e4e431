/// GGUF headers.

#include <cstddef>
#include <cstdint>

#include "model/llama/gguf_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto header = hre::parse_gguf({reinterpret_cast<const std::byte*>(data), size});
  if (header && header->tensor_bytes > size * header->tensors.size()) __builtin_trap();
  return 0;
}
