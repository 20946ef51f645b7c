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
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# ---- CMake --------------------------------------------------------------------------------------

configure_package_config_file(cmake/portpoolConfig.cmake.in portpoolConfig.cmake
                              INSTALL_DESTINATION ${portpool_cmake_dir})
write_basic_package_version_file(portpoolConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(
  FILES ${CMAKE_CURRENT_BINARY_DIR}/portpoolConfig.cmake
        ${CMAKE_CURRENT_BINARY_DIR}/portpoolConfigVersion.cmake cmake/PortpoolFrameworks.cmake
        cmake/PortpoolIsolateTests.cmake
  DESTINATION ${portpool_cmake_dir})
install(DIRECTORY cmake/lookup cmake/modules DESTINATION ${portpool_cmake_dir})

# ---- pkg-config ---------------------------------------------------------------------------------

# The folders are given relative to the files, so that what is installed can be moved.
set(portpool_pc_dir ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH portpool_prefix ${portpool_pc_dir} ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" portpool_prefix "${portpool_prefix}")
file(RELATIVE_PATH portpool_include ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
file(RELATIVE_PATH portpool_lib ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH portpool_share ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_DATADIR})

function(portpool_install_pc name template)
  configure_file(cmake/${template}.pc.in ${name}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
portpool_install_pc(portpool portpool)

# portpool_install_adapter_pc(<framework> <title> <sources> <sources with a main> [<flag>])
# The framework is named as its own .pc file.
function(portpool_install_adapter_pc framework title sources main_sources)
  set(flags ${ARGN})
  foreach(list IN ITEMS sources main_sources)
    list(TRANSFORM ${list} PREPEND "\${sourcedir}/")
    list(JOIN ${list} " " ${list})
  endforeach()
  portpool_install_pc(portpool-${framework} adapter)
endfunction()
portpool_install_adapter_pc(gtest GoogleTest gtest_listener.cpp "gtest_listener.cpp;gtest_main.cpp")
portpool_install_adapter_pc(gmock GoogleMock gtest_listener.cpp "gtest_listener.cpp;gmock_main.cpp")
portpool_install_adapter_pc(catch2 Catch2 catch2_listener.cpp "catch2_listener.cpp;catch2_main.cpp"
                            -DCATCH_CONFIG_ALL_PARTS=)

# ---- A Debian package ---------------------------------------------------------------------------

if(PROJECT_IS_TOP_LEVEL)
  set(CPACK_GENERATOR DEB)
  set(CPACK_PACKAGE_CONTACT "The portpool authors")
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libgtest-dev, libgmock-dev, catch2 | libcatch2-dev")
  include(CPack)
endif()
