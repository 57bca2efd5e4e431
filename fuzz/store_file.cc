// A store's bytes: whatever they are, it is opened, listed and read without a crash, or refused.
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "hre/store.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string path = "/tmp/hre-fuzz-store-" + std::to_string(getpid()) + ".db";
  for (const char* suffix : {"", "-wal", "-shm"}) std::remove((path + suffix).c_str());
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  auto store = hre::RunStore::open(path);
  if (!store) return 0;
  auto runs = store->list();
  if (!runs) return 0;
  for (const hre::RunInfo& run : *runs) (void)store->load(run);
  return 0;
}
