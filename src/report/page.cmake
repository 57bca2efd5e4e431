# Compiles the files of page/ in: page_files.cc, made at build time, holds page.html, the styles and scripts joined into
# page.css and page.js, and the SHA-256 of both, by which the page's content-security policy knows them.
set(page_folder ${CMAKE_CURRENT_LIST_DIR}/page)
file(GLOB page_files CONFIGURE_DEPENDS ${page_folder}/*.html ${page_folder}/*.css ${page_folder}/*.js)
set(page_source ${CMAKE_CURRENT_BINARY_DIR}/page_files.cc)
add_custom_command(
  OUTPUT ${page_source}
  COMMAND ${CMAKE_COMMAND} -D PAGE=${page_folder} -D WORK=${CMAKE_CURRENT_BINARY_DIR}/page -D OUT=${page_source}
          -D EMBED=${PROJECT_SOURCE_DIR}/cmake/embed.cmake -P ${CMAKE_CURRENT_LIST_DIR}/join_page.cmake
  DEPENDS ${page_files} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake ${CMAKE_CURRENT_LIST_DIR}/join_page.cmake
  COMMENT "Embedding the page" VERBATIM)
target_sources(hre_report PRIVATE ${page_source})
