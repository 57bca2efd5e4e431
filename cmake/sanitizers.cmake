# HRE_SANITIZE=address,undefined instruments everything of ours; the engine and Arrow stay as they are.
set(HRE_SANITIZE_LEVEL -O1 CACHE STRING "how far sanitized code is optimised; by clang, -O0 compiles in 40 % of the time of -O1; cmake/folder.cmake has exceptions")
if(HRE_SANITIZE)
  # -O1 -g1: half the time of -O2 -g
  add_compile_options(-fsanitize=${HRE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all ${HRE_SANITIZE_LEVEL} -g1)
  add_link_options(-fsanitize=${HRE_SANITIZE})
endif()
