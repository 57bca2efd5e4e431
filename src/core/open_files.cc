#include "core/open_files.h"

#include <sys/resource.h>

namespace hre {

size_t allow_many_files() {
  constexpr size_t kLeast = 20;  // what POSIX promises every process
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return kLeast;
  const rlim_t before = files.rlim_cur;
  files.rlim_cur = files.rlim_max;
  return static_cast<size_t>(setrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_max : before);
}

}  // namespace hre
