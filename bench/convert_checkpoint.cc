/// hre's own conversion of a checkpoint folder: bench_convert_checkpoint FOLDER OUT PRE_TOKENIZERS. Of
/// convert_checkpoint.py.

#include <fmt/format.h>

#include "core/files.h"
#include "model/checkpoint/native_conversion.h"

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  hre::SilentProgress silent;
  const auto known = hre::read_file(argv[3]);
  if (!known) return 2;
  const auto unknown = hre::convert_natively(argv[1], *known, argv[2], silent, {});
  if (!unknown) fmt::print(stderr, "{}\n", unknown.error().text());
  if (unknown && unknown->has_value()) fmt::print(stderr, "{}\n", **unknown);
  if (!unknown || unknown->has_value()) return 1;
  const auto ok = hre::sync_file(argv[2]);
  return ok ? 0 : 1;
}
