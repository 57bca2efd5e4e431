# Compiles libllama's models some at a time: most of the time that each one takes goes into the same headers.
cmake_language(DEFER CALL hre_compile_models_together)

function(hre_compile_models_together)
  get_target_property(sources llama SOURCES)
  get_target_property(folder llama SOURCE_DIR)
  foreach(source ${sources})
    # gemma4.cpp has a function of the same name as one of gemma3n.cpp.
    if(NOT source MATCHES "models/" OR source MATCHES "gemma4[.]cpp")
      cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${folder})
      set_source_files_properties(${source} TARGET_DIRECTORY llama PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
  set_target_properties(llama PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 20)
endfunction()
