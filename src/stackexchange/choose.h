#pragma once
/// Draws that depend only on a seed and the posts' ids, not on the order in which posts are read.

#include <cstdint>
#include <string>
#include <vector>

#include "stackexchange/post.h"
#include "stackexchange/recipe.h"

namespace hre::stackexchange {

/// A post's place in the draw: XXH3 (64 bits) of "SITE/ID" with the seed.
uint64_t draw_key(uint64_t seed, const std::string& site, uint32_t id);

/// Chooses n of the answers (all if n is 0) and returns their indices, in the order of their ids. `score` of the
/// answers is what the dataset has as their votes.
///   spread          by score, ties by draw: the positions i (size - 1) / (n - 1), rounded half up
///   top-and-random  the highest score (ties: the lowest id), and the first n - 1 of the others in the draw
///   random          the first n in the draw
///   later-wins      n answers each of which was posted later and has a higher score than the one before; nothing if
///   there
///                   are none. Of all such choices, one whose scores differ most; then the one that begins earliest,
///                   ends earliest, and has the earliest answers between (by date, then by id)
std::vector<size_t> choose_answers(Choice choice, size_t n, uint64_t seed, const std::string& site,
                                   const std::vector<PostRecord>& answers);

}  // namespace hre::stackexchange
