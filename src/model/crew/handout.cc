#include "model/crew/handout.h"

namespace hre {

NextPlan Handout::next() {
  NextPlan next;
  if (!again_.empty()) {
    next = {NextPlan::Kind::kQuestion, again_.back()};
    again_.pop_back();
  } else if (!ended_) {
    next = source_();
    ended_ = next.kind == NextPlan::Kind::kEnd;
  }
  n_out_ += next.kind == NextPlan::Kind::kQuestion ? 1 : 0;
  return next;
}

bool Handout::lost(size_t question) {
  --n_out_;
  again_.push_back(question);
  return ++losses_[question] < kMostLosses;
}

}  // namespace hre
