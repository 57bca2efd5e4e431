# hre_folder(NAME [USES target...]): one object library a folder, hre_NAME, of its .cc files
# (subfolders included), and a test program NAME_test of its *_test.cc files, which stand beside
# the sources they test. Test programs link the whole library: only headers are layered,
# and tools/check_layers.py holds the includes to that.
function(hre_folder name)
  cmake_parse_arguments(ARG "" "" "USES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")

  add_library(hre_${name} OBJECT ${sources})
  target_include_directories(hre_${name} PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  target_compile_options(hre_${name} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${HRE_WARNINGS}>")
  target_link_libraries(hre_${name} PRIVATE ${ARG_USES})
  if(HRE_SANITIZE AND name MATCHES "^(stats|model)$")  # the inner loops
    target_compile_options(hre_${name} PRIVATE -O1)
  endif()
  if(NOT name STREQUAL "stats")
    target_compile_definitions(hre_${name} PRIVATE ${HRE_CHECKED_CONTAINERS})
  endif()

  if(HRE_BUILD_TESTS AND tests)
    add_executable(${name}_test ${tests})
    add_dependencies(unit_tests ${name}_test)
    target_include_directories(${name}_test PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_compile_options(${name}_test PRIVATE ${HRE_WARNINGS})
    if(NOT name MATCHES "^(stats|analysis)$")  # whose tests draw millions of numbers; others take longer to compile than to run
      target_compile_options(${name}_test PRIVATE $<$<CONFIG:Release>:-O1>)
    endif()
    target_compile_definitions(${name}_test PRIVATE HRE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    # Object libraries are in libhre.so; a second copy beside it would have its own globals.
    list(FILTER ARG_USES EXCLUDE REGEX "^hre_")
    target_link_libraries(${name}_test PRIVATE hre ${ARG_USES} GTest::gtest GTest::gmock GTest::gtest_main)
    set(seconds 600)
    if(HRE_SANITIZE)
      set(seconds 3600)
    endif()
    gtest_discover_tests(${name}_test TEST_PREFIX ${name}. NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT ${seconds}
                         ENVIRONMENT "HRE_TEST_MODELS=${HRE_DEPS}/models"
                         ENVIRONMENT_MODIFICATION GOMP_SPINCOUNT=set:2000)
  endif()
endfunction()

set(HRE_WARNINGS -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wunused)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  list(APPEND HRE_WARNINGS -Wno-restrict)  # false alarms on std::string (GCC bug 105651)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND HRE_UNITY)
  list(APPEND HRE_WARNINGS -Wno-subobject-linkage)  # takes the sources of a batch for headers
endif()
if(HRE_WERROR)
  list(APPEND HRE_WARNINGS -Werror)
endif()
