# cmake --install gives PREFIX/bin/hre, which runs from there, and a package for find_package(hre).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Libraries from wheels go to a folder of their own, out of other programs' sight.
set_target_properties(hre PROPERTIES INSTALL_RPATH "$ORIGIN;$ORIGIN/hre")
set_target_properties(hre_program PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
install(TARGETS hre_program)
install(TARGETS hre EXPORT hreTargets)
install(DIRECTORY include/hre DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(HRE_ARROW_BUNDLED)
  install(FILES "${arrow_library}" "${parquet_library}" DESTINATION ${CMAKE_INSTALL_LIBDIR}/hre)
  install(DIRECTORY "${HRE_DEPS}/arrow/licenses/" DESTINATION ${CMAKE_INSTALL_DOCDIR}/licenses/arrow)
endif()
if(HRE_ONEDNN_BUNDLED)
  install(FILES "${HRE_DEPS}/onednn/lib/libdnnl.so.3" DESTINATION ${CMAKE_INSTALL_LIBDIR}/hre)
  install(DIRECTORY "${HRE_DEPS}/onednn/licenses/" DESTINATION ${CMAKE_INSTALL_DOCDIR}/licenses/onednn)
endif()
# The converter of checkpoint folders: llama.cpp's, and what makes and runs it.
install(FILES src/model/checkpoint/convert_checkpoint.py src/model/checkpoint/score_checkpoint.py third_party/pypi-convert.lock
  DESTINATION ${CMAKE_INSTALL_DATADIR}/hre/converter)
if(EXISTS "${HRE_DEPS}/llama.cpp/conversion")
  install(DIRECTORY "${HRE_DEPS}/llama.cpp/conversion" "${HRE_DEPS}/llama.cpp/gguf-py"
    DESTINATION ${CMAKE_INSTALL_DATADIR}/hre/converter/llama.cpp PATTERN __pycache__ EXCLUDE PATTERN tests EXCLUDE)
endif()
if(HRE_ENGINE_BUNDLED)
  install(FILES "${HRE_DEPS}/engine/licenses/LICENSE" DESTINATION ${CMAKE_INSTALL_DOCDIR}/licenses/llama.cpp)
endif()

install(EXPORT hreTargets NAMESPACE hre:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/hre)
configure_package_config_file(cmake/hreConfig.cmake.in ${PROJECT_BINARY_DIR}/hreConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/hre)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/hreConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/hreConfig.cmake ${PROJECT_BINARY_DIR}/hreConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/hre)
# The models that come along lie at the same place seen from the program, installed or in the build folder.
install(DIRECTORY models DESTINATION ${CMAKE_INSTALL_DATADIR}/hre)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/share/hre)
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/models ${PROJECT_BINARY_DIR}/share/hre/models SYMBOLIC)
# Completion for shells and man pages: the program makes them of its own commands and options.
install(CODE "
  set(made \"${PROJECT_BINARY_DIR}/documents\")
  file(MAKE_DIRECTORY \"\${made}/man\")
  set(hre \"$<TARGET_FILE:hre_program>\")
  execute_process(COMMAND \"\${hre}\" help --man-pages \"\${made}/man\" COMMAND_ERROR_IS_FATAL ANY)
  foreach(shell bash zsh fish)
    execute_process(COMMAND \"\${hre}\" help --completion \${shell} OUTPUT_FILE \"\${made}/\${shell}\" COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
  set(share \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}\")
  file(INSTALL \"\${made}/man/\" DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_MANDIR}/man1\")
  file(INSTALL DESTINATION \"\${share}/bash-completion/completions\" TYPE FILE RENAME hre FILES \"\${made}/bash\")
  file(INSTALL DESTINATION \"\${share}/zsh/site-functions\" TYPE FILE RENAME _hre FILES \"\${made}/zsh\")
  file(INSTALL DESTINATION \"\${share}/fish/vendor_completions.d\" TYPE FILE RENAME hre.fish FILES \"\${made}/fish\")
")
install(FILES LICENSE docs/third-party.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
