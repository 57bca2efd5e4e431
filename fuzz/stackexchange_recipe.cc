// Recipes: no crash, and a recipe that is good is the same after it was written and read again.
#include <cstdlib>

#include "stackexchange/recipe.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hre::stackexchange;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const hre::Result<Recipe> recipe = parse_recipe(text, "r.toml");
  if (!recipe) {
    if (recipe.error().message.empty() || recipe.error().where.empty()) std::abort();
    return 0;
  }
  const hre::Result<Recipe> again = parse_recipe(format_recipe(*recipe), "again");
  if (!again || *again != *recipe) std::abort();
  return 0;
}
