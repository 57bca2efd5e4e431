# HRE_SANITIZE=address,undefined instruments everything of ours; the engine and Arrow stay as they are.
if(HRE_SANITIZE)
  add_compile_options(-fsanitize=${HRE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g)
  add_link_options(-fsanitize=${HRE_SANITIZE})
endif()
