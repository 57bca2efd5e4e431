#include "store/process.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace hre::store {
namespace {

std::string first_word(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

std::string name_space() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/ns/pid", ignored).string();
}

/// Field 22 of /proc/PID/stat, the start time in clock ticks after boot; empty if there is no such process.
std::string start_time(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string line;
  std::getline(file, line);
  const size_t name_end = line.rfind(')');  // the name may contain any character
  if (name_end == std::string::npos) return "";
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  fields >> field;                              // 3: the state
  if (field == "Z" || field == "X") return "";  // it has ended, but its parent has not collected it yet
  for (int i = 4; i <= 22; ++i) fields >> field;
  return field;
}

std::vector<std::string> parts_of(const std::string& identity) {
  std::vector<std::string> parts;
  std::istringstream stream(identity);
  for (std::string part; std::getline(stream, part, ' ');) parts.push_back(part);
  return parts;
}

std::string boot() { return first_word("/proc/sys/kernel/random/boot_id"); }

}  // namespace

std::string process_identity() {
  const std::string pid = std::to_string(getpid());
  return fmt::format("{} {} {} {}", boot(), name_space(), pid, start_time(pid));
}

bool may_be_alive(const std::string& identity) {
  const std::vector<std::string> parts = parts_of(identity);
  if (parts.size() != 4) return true;
  if (parts[0] != boot()) return false;  // the store is on a local disk, so this machine has been restarted since
  if (parts[1] != name_space()) return true;
  return start_time(parts[2]) == parts[3];
}

std::string process_id(const std::string& identity) {
  const std::vector<std::string> parts = parts_of(identity);
  return parts.size() == 4 ? parts[2] : "?";
}

}  // namespace hre::store
