# Compiles the files of sample/ in: sample_files.cc, made at build time, holds their bytes by topic.
file(GLOB sample_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/sample/*.jsonl)
set(sample_source ${CMAKE_CURRENT_BINARY_DIR}/sample_files.cc)
add_custom_command(
  OUTPUT ${sample_source}
  COMMAND ${CMAKE_COMMAND} -D "FILES=${sample_files}" -D KEY=NAME_WE -D OUT=${sample_source} -D HEADER=data/sample.h
          -D NAMESPACE=hre::data -D TYPE=SampleFile -D FUNCTION=sample_files -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  DEPENDS ${sample_files} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  COMMENT "Embedding the sample" VERBATIM)
target_sources(hre_data PRIVATE ${sample_source})
