#pragma once
/// Questions of any forum as JSON lines, presented as the Posts.xml of a dump, so that all that follows is the same.
/// docs/datasets.md lists the fields. A line that can't be used becomes a row that says why in its attribute Problem.

#include <memory>

#include "stackexchange/bytes.h"

namespace hre::stackexchange {

/// Posts.xml made of JSON lines, which must outlive it. Posts are numbered from 1 in the order of the lines.
std::unique_ptr<ByteSource> posts_of_jsonl(ByteSource& lines);

}  // namespace hre::stackexchange
