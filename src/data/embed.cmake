# cmake -D FILES=a.jsonl;b.jsonl -D OUT=sample_files.cc -P embed.cmake
# Writes the files as one C++ source, in alphabetical order. Bytes are written as numbers: no text can break out of it.
list(SORT FILES)
set(table "")
set(arrays "")
foreach(file IN LISTS FILES)
  get_filename_component(topic ${file} NAME_WE)
  file(READ ${file} bytes HEX)
  # Lines of 64 bytes: adjacent literals are one, and an escape never runs into what follows.
  string(REPEAT "." 128 line)
  string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" bytes "${bytes}")
  string(REGEX REPLACE "([^\n]+)" "\"\\1\"" bytes "${bytes}")
  string(MAKE_C_IDENTIFIER "bytes_${topic}" name)
  string(APPEND arrays "constexpr char ${name}[] =\n\"\"\n${bytes};\n")
  string(APPEND table "    {\"${topic}\", {${name}, sizeof ${name} - 1}},\n")
endforeach()
file(WRITE ${OUT} "// Made by embed.cmake from src/data/sample.
#include \"data/sample.h\"

namespace hre::data {
namespace {
${arrays}
}  // namespace

std::vector<SampleFile> sample_files() {
  return {
${table}  };
}

}  // namespace hre::data
")
