# hre_jinja: the Jinja engine among llama.cpp's sources, which its installed package lacks.
set(jinja_folder "${HRE_DEPS}/llama.cpp/common")
file(GLOB jinja_sources "${jinja_folder}/jinja/*.cpp")
if(NOT jinja_sources)
  message(FATAL_ERROR "llama.cpp's sources were not found in ${HRE_DEPS}/llama.cpp: run tools/setup.sh")
endif()
file(GLOB jinja_json "${jinja_folder}/json.cpp")  # newer versions of llama.cpp have it
add_library(hre_jinja OBJECT ${jinja_sources} ${jinja_json} "${jinja_folder}/unicode.cpp")
target_include_directories(hre_jinja SYSTEM PUBLIC "${jinja_folder}")
set_target_properties(hre_jinja PROPERTIES UNITY_BUILD OFF)
target_compile_options(hre_jinja PRIVATE -O1)  # templates are short, and the engine is slow to compile
target_compile_options(hre_jinja PRIVATE "-ffile-prefix-map=${HRE_DEPS}/=")  # as tools/setup.sh compiles the engine
target_link_libraries(hre_jinja PUBLIC nlohmann_json::nlohmann_json PRIVATE llama)
