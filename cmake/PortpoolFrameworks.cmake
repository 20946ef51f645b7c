# The test frameworks that the adapters are for: those of the enclosing project, the installed ones,
# or, with PORTPOOL_FETCH_DEPS, downloaded ones. None is needed to build portpool itself.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL TRUE)

if(NOT TARGET GTest::gtest)
  find_package(GTest QUIET)
endif()
if(NOT TARGET Catch2::Catch2)
  find_package(Catch2 QUIET)
endif()

if(PORTPOOL_FETCH_DEPS)
  include(FetchContent)
  if(NOT TARGET GTest::gtest)
    FetchContent_Declare(
      googletest
      GIT_REPOSITORY https://github.com/google/googletest.git
      GIT_TAG release-1.12.1)
    set(INSTALL_GTEST OFF CACHE BOOL "Install GoogleTest with portpool")
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

unset(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL)
