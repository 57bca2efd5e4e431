# cmake --install gives PREFIX/bin/hre, which runs from there, and a package for find_package(hre).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set_target_properties(hre PROPERTIES INSTALL_RPATH "$ORIGIN;$ORIGIN/hre")
if(TARGET hre_program)
set_target_properties(hre_program PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
install(TARGETS hre_program)
endif()
install(TARGETS hre EXPORT hreTargets)
install(DIRECTORY include/hre DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(HRE_ARROW_BUNDLED)
  file(GLOB arrow_libraries ${HRE_DEPS}/arrow/lib/*.so.*)
  install(FILES ${arrow_libraries} DESTINATION ${CMAKE_INSTALL_LIBDIR}/hre)
endif()

install(EXPORT hreTargets NAMESPACE hre:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/hre)
configure_package_config_file(cmake/hreConfig.cmake.in ${PROJECT_BINARY_DIR}/hreConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/hre)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/hreConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/hreConfig.cmake ${PROJECT_BINARY_DIR}/hreConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/hre)
install(FILES LICENSE docs/third-party.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
