# What makes a fault in hre's code end the program rather than do what an attacker wants: checked copies into buffers of known
# size, canaries, no large step over the stack's guard page, addresses that differ from run to run, and tables of functions
# that are read-only once they are filled. tests/test_hardening.py reads them back from the built files.
# The engine and the libraries of wheels are compiled with flags of their own; docs/security.md says so.
option(HRE_HARDENING "compile and link with the compiler's guards" ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)  # without it, CMake compiles for PIE but does not link so

# No path of the machine that built it is in what is built: messages and debug information name files from the source folder.
add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=>")

set(HRE_CHECKED_CONTAINERS "")
if(HRE_HARDENING)
  set(flags -fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND flags -fcf-protection)  # takes effect where all that is linked has it, as on Ubuntu
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    list(APPEND flags -mbranch-protection=standard)
  endif()
  add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:${flags}>")
  if(NOT HRE_SANITIZE)  # sanitizers intercept the functions that this replaces
    # Some compilers define it themselves; it needs optimisation.
    add_compile_options("$<$<AND:$<COMPILE_LANGUAGE:C,CXX>,$<NOT:$<CONFIG:Debug>>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3>")
  endif()
  if(NOT APPLE)
    add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
  endif()
  # An index out of bounds or an empty optional ends the program. Not in src/stats and src/model/llama/fast, whose inner loops
  # index vectors: a check at each step keeps the compiler from doing several at once.
  set(HRE_CHECKED_CONTAINERS _GLIBCXX_ASSERTIONS)
endif()
