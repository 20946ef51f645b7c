include(CMakePackageConfigHelpers)

set(portpool_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/portpool)

install(TARGETS portpool EXPORT portpoolTargets)
install(TARGETS portpool_gtest portpool_gtest_main portpool_gmock_main portpool_catch2
                portpool_catch2_main EXPORT portpoolTargets)
install(DIRECTORY include/ gtest_adapter/include/ catch2_adapter/include/
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(
  FILES gtest_adapter/gtest_listener.cpp gtest_adapter/gtest_main.cpp gtest_adapter/gmock_main.cpp
        catch2_adapter/catch2_listener.cpp catch2_adapter/catch2_main.cpp
  DESTINATION ${CMAKE_INSTALL_DATADIR}/portpool)
install(
  EXPORT portpoolTargets
  NAMESPACE portpool::
  DESTINATION ${portpool_cmake_dir})

configure_package_config_file(cmake/portpoolConfig.cmake.in portpoolConfig.cmake
                              INSTALL_DESTINATION ${portpool_cmake_dir})
write_basic_package_version_file(portpoolConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(
  FILES ${CMAKE_CURRENT_BINARY_DIR}/portpoolConfig.cmake
        ${CMAKE_CURRENT_BINARY_DIR}/portpoolConfigVersion.cmake cmake/PortpoolFrameworks.cmake
        cmake/PortpoolIsolateTests.cmake
  DESTINATION ${portpool_cmake_dir})
install(DIRECTORY cmake/lookup cmake/modules DESTINATION ${portpool_cmake_dir})
