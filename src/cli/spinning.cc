/// How long the engine's threads wait for each other awake before they sleep.
///
/// OpenMP's threads spin at every barrier, by default for milliseconds. Where other programs use the cores too, or a
/// container gives less time than the cores that it shows, that makes an evaluation many times slower; a short spin
/// costs an idle machine next to nothing. libgomp reads its settings before main(), so they are set before any library
/// starts.

#include <cstdlib>

namespace hre::cli {
namespace {

void spin_briefly(int, char**, char**) {
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) setenv("GOMP_SPINCOUNT", "2000", 0);
}

__attribute__((section(".preinit_array"), used)) void (*const kBeforeLibraries)(int, char**, char**) = spin_briefly;

}  // namespace
}  // namespace hre::cli
