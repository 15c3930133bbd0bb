# Installation: library, header, CMake package, pkg-config file, program.
include(CMakePackageConfigHelpers)

install(TARGETS sporkle EXPORT sporkle-targets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_SOURCE_DIR}/include/sporkle.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET sporkle_tool)
  set_target_properties(sporkle_tool PROPERTIES
    INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS sporkle_tool DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/sporkle)
install(EXPORT sporkle-targets NAMESPACE sporkle:: DESTINATION ${package_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/sporkle-config.cmake.in
  ${PROJECT_BINARY_DIR}/sporkle-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/sporkle-config-version.cmake
  COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/sporkle-config.cmake
              ${PROJECT_BINARY_DIR}/sporkle-config-version.cmake
        DESTINATION ${package_dir})

# The prefix is relative to the .pc file, so that the tree can be moved.
file(RELATIVE_PATH SPORKLE_PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${PROJECT_SOURCE_DIR}/cmake/sporkle.pc.in ${PROJECT_BINARY_DIR}/sporkle.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/sporkle.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
