#include "model/mpi/liveness.h"

#include <algorithm>

namespace hre::mpi {

Liveness::Liveness(size_t n, Duration patience, Time now) : members_(n, {now}), patience_(patience), looked_(now) {}

void Liveness::heard(size_t one, Time now) { members_[one].heard = now; }

void Liveness::lose(size_t one) { members_[one].lost = true; }

std::vector<size_t> Liveness::look(Time now) {
  const bool was_away = now - looked_ > patience_ / 2;
  looked_ = now;
  std::vector<size_t> found;
  for (size_t i = 0; i < members_.size(); ++i) {
    Member& member = members_[i];
    if (was_away) member.heard = now;
    if (now - member.heard > patience_) member.lost = true;
    if (member.lost && !member.told) found.push_back(i);
    member.told = member.lost;
  }
  return found;
}

bool Liveness::any_lost() const {
  return std::any_of(members_.begin(), members_.end(), [](const Member& member) { return member.lost; });
}

}  // namespace hre::mpi
