# Downloads the test frameworks that the project does not have and that are not installed.

include(FetchContent)
set(CMAKE_POLICY_DEFAULT_CMP0077 NEW) # so that the next line reaches GoogleTest
set(INSTALL_GTEST OFF)

portpool_look_for(portpool_found GTest GTest::gtest)
if(NOT portpool_found)
  FetchContent_Declare(
    googletest
    GIT_REPOSITORY https://github.com/google/googletest.git
    GIT_TAG release-1.12.1)
  FetchContent_MakeAvailable(googletest)
endif()

portpool_look_for(portpool_found Catch2 Catch2::Catch2)
if(NOT portpool_found)
  FetchContent_Declare(
    Catch2
    GIT_REPOSITORY https://github.com/catchorg/Catch2.git
    GIT_TAG v3.7.1)
  FetchContent_MakeAvailable(Catch2)
endif()
