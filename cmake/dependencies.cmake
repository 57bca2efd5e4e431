# What hre stands on. An installed package is taken where CMake finds one (CMAKE_PREFIX_PATH);
# the engine and Arrow otherwise come from build/deps, where tools/setup.sh puts them.
set(HRE_DEPS "${PROJECT_SOURCE_DIR}/build/deps" CACHE PATH "where tools/setup.sh put its parts")
if(DEFINED ENV{HRE_DEPS})
  set(HRE_DEPS "$ENV{HRE_DEPS}")
endif()
list(APPEND CMAKE_PREFIX_PATH "${HRE_DEPS}/engine")

find_package(Threads REQUIRED)
find_package(tl-expected REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Boost REQUIRED)  # headers: Boost.Math
find_package(PkgConfig REQUIRED)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)

find_package(llama QUIET)
if(NOT llama_FOUND)
  message(FATAL_ERROR "libllama was not found in ${HRE_DEPS}/engine: run tools/setup.sh")
endif()

set(HRE_LLAMA_BUILD "libllama ${LLAMA_BUILD_COMMIT}")  # by name: the archives have no git history

# Arrow and Parquet: the system's CMake packages, or the libraries of the wheel.
find_package(Parquet QUIET)
if(Parquet_FOUND)
  set(HRE_ARROW_BUNDLED OFF)
else()
  set(HRE_ARROW_BUNDLED ON)
  file(GLOB arrow_library ${HRE_DEPS}/arrow/lib/libarrow.so.*)
  file(GLOB parquet_library ${HRE_DEPS}/arrow/lib/libparquet.so.*)
  if(NOT arrow_library OR NOT parquet_library)
    message(FATAL_ERROR "Arrow was not found in ${HRE_DEPS}/arrow: run tools/setup.sh")
  endif()
  foreach(part arrow parquet)
    string(TOUPPER ${part} upper)
    string(SUBSTRING ${part} 0 1 first)
    string(TOUPPER ${first} first)
    string(SUBSTRING ${part} 1 -1 rest)
    set(target ${first}${rest}::${part}_shared)
    add_library(${target} SHARED IMPORTED)
    set_target_properties(${target} PROPERTIES
      IMPORTED_LOCATION ${${part}_library}
      INTERFACE_INCLUDE_DIRECTORIES ${HRE_DEPS}/arrow/include)
  endforeach()
endif()

if(HRE_BUILD_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
