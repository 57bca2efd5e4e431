# HRE_SANITIZE=address,undefined instruments everything of ours; the engine and Arrow stay as they are.
if(HRE_SANITIZE)
  add_compile_options(-fsanitize=${HRE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -O1 -g1)  # half the time of -O2 -g
  add_link_options(-fsanitize=${HRE_SANITIZE})
endif()
