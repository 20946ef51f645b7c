# Sets portpool_platform_sources: the files of src/platform for the system that this build is for.
# A folder implements headers there for a system, or what several systems have in common.
# portpool_platform_libraries are the libraries of the system that they use.
# portpool_exports_file and portpool_exports_option tell the system's linker what a shared library
# exports, where the compiler's visibility alone does not.

set(portpool_sources_posix
    environment.cpp
    files.cpp
    fork.cpp
    process.cpp
    random.cpp
    resolve.cpp
    sockets.cpp
    system_error.cpp)
set(portpool_sources_lock_file file_locks.cpp lock_file.cpp shared_file.cpp) # needs locks of open files
set(portpool_sources_linux
    arguments.cpp
    environ.cpp
    ephemeral_range.cpp
    isolation.cpp
    lease_tables.cpp
    leases.cpp
    port_users.cpp
    socket_tables.cpp
    sockets.cpp
    threads.cpp)
set(portpool_sources_macos
    ephemeral_range.cpp
    isolation.cpp
    leases.cpp
    port_users.cpp
    process.cpp
    processes.cpp
    socket_tables.cpp
    sockets.cpp)
set(portpool_sources_windows
    environment.cpp
    ephemeral_range.cpp
    files.cpp
    fork.cpp
    isolation.cpp
    leases.cpp
    port_users.cpp
    process.cpp
    program_output.cpp
    random.cpp
    resolve.cpp
    socket_tables.cpp
    sockets.cpp
    system_error.cpp
    text.cpp
    winsock.cpp)

if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set(portpool_platform_folders posix linux)
  set(portpool_exports_file ${CMAKE_CURRENT_LIST_DIR}/../src/exports.map)
  set(portpool_exports_option -Wl,--version-script=${portpool_exports_file})
elseif(CMAKE_SYSTEM_NAME STREQUAL "Darwin")
  set(portpool_platform_folders posix lock_file macos)
elseif(CMAKE_SYSTEM_NAME STREQUAL "Windows")
  set(portpool_platform_folders windows)
  set(portpool_platform_libraries ws2_32 iphlpapi bcrypt)
else()
  message(FATAL_ERROR "portpool supports Linux, macOS and Windows, and this build is for ${CMAKE_SYSTEM_NAME}; leave "
                      "portpool out of it, or see \"Adding an operating system\" in "
                      "CONTRIBUTING.md")
endif()

set(portpool_platform_sources src/platform/own_leases.cpp src/platform/port_users.cpp
                              src/platform/private_socket.cpp src/platform/system_address.cpp)
foreach(folder IN LISTS portpool_platform_folders)
  set(sources ${portpool_sources_${folder}})
  list(TRANSFORM sources PREPEND src/platform/${folder}/)
  list(APPEND portpool_platform_sources ${sources})
endforeach()
