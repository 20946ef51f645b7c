# The test frameworks that the adapters are for: those of the enclosing project, the installed ones,
# or, with PORTPOOL_FETCH_DEPS, downloaded ones. None is needed to build portpool itself.

# Programs elsewhere in the enclosing project link the adapters, so they must see these targets.
set(portpool_targets_global "${CMAKE_FIND_PACKAGE_TARGETS_GLOBAL}")
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL TRUE)
if(NOT TARGET GTest::gtest)
  find_package(GTest QUIET)
endif()
if(NOT TARGET Catch2::Catch2)
  find_package(Catch2 QUIET)
endif()
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL "${portpool_targets_global}")

if(PORTPOOL_FETCH_DEPS)
  include(FetchContent)
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW) # so that the next line reaches GoogleTest
  set(INSTALL_GTEST OFF)
  if(NOT TARGET GTest::gtest)
    FetchContent_Declare(
      googletest
      GIT_REPOSITORY https://github.com/google/googletest.git
      GIT_TAG release-1.12.1)
    FetchContent_MakeAvailable(googletest)
  endif()
  if(NOT TARGET Catch2::Catch2)
    FetchContent_Declare(
      Catch2
      GIT_REPOSITORY https://github.com/catchorg/Catch2.git
      GIT_TAG v3.7.1)
    FetchContent_MakeAvailable(Catch2)
    list(APPEND CMAKE_MODULE_PATH ${catch2_SOURCE_DIR}/extras) # Catch.cmake
  endif()
endif()

# catch_discover_tests is for the programs of the enclosing project, and once Catch2's targets exist,
# a find_package of its own no longer finds Catch.cmake.
if(NOT PROJECT_IS_TOP_LEVEL)
  set(CMAKE_MODULE_PATH "${CMAKE_MODULE_PATH}" PARENT_SCOPE)
endif()
