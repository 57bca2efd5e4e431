# What hre stands on. An installed package is taken where CMake finds one (CMAKE_PREFIX_PATH);
# the engine and Arrow otherwise come from build/deps, where tools/setup.sh puts them.
set(HRE_DEPS "${PROJECT_SOURCE_DIR}/build/deps" CACHE PATH "where tools/setup.sh put its parts")
if(DEFINED ENV{HRE_DEPS})
  file(REAL_PATH "$ENV{HRE_DEPS}" deps BASE_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set(HRE_DEPS "${deps}" CACHE PATH "where tools/setup.sh put its parts" FORCE)
endif()
if(NOT HRE_DEPS STREQUAL HRE_DEPS_BEFORE)  # what was found in another folder is looked for again
  get_cmake_property(cached CACHE_VARIABLES)
  list(FILTER cached INCLUDE REGEX "^(llama|ggml|GGML|LLAMA)_")
  foreach(variable ${cached})
    unset(${variable} CACHE)
  endforeach()
  set(HRE_DEPS_BEFORE "${HRE_DEPS}" CACHE INTERNAL "")
endif()

find_package(Threads REQUIRED)
find_package(tl-expected REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Boost REQUIRED)  # headers: Boost.Math
find_package(CURL 7.85 REQUIRED)  # as of CURLOPT_PROTOCOLS_STR
find_package(PkgConfig REQUIRED)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(libcrypto REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(expat REQUIRED IMPORTED_TARGET expat)
pkg_check_modules(libarchive REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(microhttpd REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.75)
pkg_check_modules(gumbo REQUIRED IMPORTED_TARGET gumbo)
pkg_check_modules(tomlplusplus REQUIRED tomlplusplus)  # headers alone: its library throws
# Debian builds CLD2's larger tables, which know Latin, as a library of data alone: before the library of code and of the
# small tables, its symbols are the ones that the dynamic linker finds. Nothing refers to them at link time.
find_library(HRE_CLD2_CODE cld2 REQUIRED)
find_library(HRE_CLD2_TABLES cld2_full REQUIRED)
set(HRE_CLD2 "-Wl,--push-state,--no-as-needed,${HRE_CLD2_TABLES},--pop-state" ${HRE_CLD2_CODE})

# The engine: the one of tools/setup.sh, with hre's patch; the system's only where that is asked for.
option(HRE_SYSTEM_ENGINE "take the libllama that CMake finds (llama_DIR, CMAKE_PREFIX_PATH), without hre's kernels" OFF)
if(DEFINED ENV{HRE_SYSTEM_ENGINE})
  set(HRE_SYSTEM_ENGINE "$ENV{HRE_SYSTEM_ENGINE}" CACHE BOOL "" FORCE)
endif()
if(HRE_SYSTEM_ENGINE)
  set(HRE_ENGINE_BUNDLED OFF)
  find_package(llama REQUIRED)
  message(WARNING "hre computes with the libllama in ${llama_DIR}: slower, and with other values, than with its own build")
else()
  set(HRE_ENGINE_BUNDLED ON)
  set(llama_DIR "${HRE_DEPS}/engine/lib/cmake/llama")
  set(ggml_DIR "${HRE_DEPS}/engine/lib/cmake/ggml")  # libllama's package looks for it
  find_package(llama QUIET NO_DEFAULT_PATH)
  if(NOT llama_FOUND)
    message(FATAL_ERROR "libllama was not found in ${HRE_DEPS}/engine: run tools/setup.sh")
  endif()
endif()
if(GGML_RPC_RDMA AND TARGET ggml::ggml-rpc)  # ggml takes RDMA where libibverbs is there, and its package does not say so
  find_library(IBVERBS_LIBRARY ibverbs REQUIRED)
  target_link_libraries(ggml::ggml-rpc INTERFACE "${IBVERBS_LIBRARY}")
endif()
if(GGML_CUDA AND TARGET ggml::ggml-cuda)  # the same of CUDA's libraries, and of NCCL where ggml found it
  find_package(CUDAToolkit REQUIRED)
  target_link_libraries(ggml::ggml-cuda INTERFACE CUDA::cudart CUDA::cublas CUDA::cuda_driver)
  find_library(NCCL_LIBRARY nccl HINTS "${CUDAToolkit_LIBRARY_DIR}")
  if(GGML_CUDA_NCCL AND NCCL_LIBRARY)
    target_link_libraries(ggml::ggml-cuda INTERFACE "${NCCL_LIBRARY}")
  endif()
endif()

set(HRE_LLAMA_BUILD "libllama ${LLAMA_BUILD_COMMIT}")  # by name: the archives have no git history

# oneDNN, where there is one: without it the engine's own products are taken.
set(HRE_ONEDNN_BUNDLED OFF)
find_package(dnnl 3 QUIET)
if(NOT dnnl_FOUND AND EXISTS "${HRE_DEPS}/onednn/lib/libdnnl.so.3")
  set(HRE_ONEDNN_BUNDLED ON)
  add_library(DNNL::dnnl SHARED IMPORTED)
  set_target_properties(DNNL::dnnl PROPERTIES IMPORTED_LOCATION "${HRE_DEPS}/onednn/lib/libdnnl.so.3"
    INTERFACE_INCLUDE_DIRECTORIES "${HRE_DEPS}/onednn/include")
endif()
if(TARGET DNNL::dnnl)
  find_package(OpenMP REQUIRED COMPONENTS CXX)  # as oneDNN is told to stay on a thread
endif()

# Arrow and Parquet: the system's CMake packages, or the libraries of the wheel.
find_package(Parquet QUIET)
set(HRE_ARROW_BUNDLED OFF)
if(NOT Parquet_FOUND)
  set(HRE_ARROW_BUNDLED ON)
  file(GLOB arrow_library "${HRE_DEPS}/arrow/lib/libarrow.so.*")
  file(GLOB parquet_library "${HRE_DEPS}/arrow/lib/libparquet.so.*")
  if(NOT arrow_library OR NOT parquet_library)
    message(FATAL_ERROR "Arrow was not found in ${HRE_DEPS}/arrow: run tools/setup.sh")
  endif()
  add_library(Arrow::arrow_shared SHARED IMPORTED)
  add_library(Parquet::parquet_shared SHARED IMPORTED)
  set_target_properties(Arrow::arrow_shared Parquet::parquet_shared PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${HRE_DEPS}/arrow/include")
  set_target_properties(Arrow::arrow_shared PROPERTIES IMPORTED_LOCATION "${arrow_library}")
  set_target_properties(Parquet::parquet_shared PROPERTIES IMPORTED_LOCATION "${parquet_library}")
endif()

if(HRE_MPI)
  find_package(MPI REQUIRED COMPONENTS C)
endif()
if(HRE_BUILD_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
