# cmake -D FILES=a.jsonl;b.jsonl -D KEY=NAME_WE -D OUT=sample_files.cc -D HEADER=data/sample.h -D NAMESPACE=hre::data
#       -D TYPE=SampleFile -D FUNCTION=sample_files -P embed.cmake
# Writes the files as one C++ source, in alphabetical order: FUNCTION() gives a std::vector<TYPE>, each TYPE made of two
# std::string_view, the file's name (by KEY: NAME with, NAME_WE without its ending) and its contents.
# Bytes are written as numbers: no text can break out of it.
list(SORT FILES)
set(table "")
set(arrays "")
foreach(file IN LISTS FILES)
  get_filename_component(key ${file} ${KEY})
  file(READ ${file} bytes HEX)
  # Lines of 64 bytes: adjacent literals are one, and an escape never runs into what follows.
  string(REPEAT "." 128 line)
  string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" bytes "${bytes}")
  string(REGEX REPLACE "([^\n]+)" "\"\\1\"" bytes "${bytes}")
  string(MAKE_C_IDENTIFIER "bytes_${key}" name)
  string(APPEND arrays "constexpr char ${name}[] =\n\"\"\n${bytes};\n")
  string(APPEND table "    {\"${key}\", {${name}, sizeof ${name} - 1}},\n")
endforeach()
file(WRITE ${OUT} "// Made by cmake/embed.cmake.
#include \"${HEADER}\"

namespace ${NAMESPACE} {
namespace {
${arrays}
}  // namespace

std::vector<${TYPE}> ${FUNCTION}() {
  return {
${table}  };
}

}  // namespace ${NAMESPACE}
")
