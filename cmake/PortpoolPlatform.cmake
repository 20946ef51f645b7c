# Sets portpool_platform_sources: the files of src/platform for the system that this build is for.
# A folder implements headers there for a system, or what several systems have in common.

set(portpool_sources_posix
    environment.cpp
    files.cpp
    fork.cpp
    lock_file.cpp
    process.cpp
    random.cpp
    socket_address.cpp
    sockets.cpp
    system_error.cpp
    unix_server.cpp)
set(portpool_sources_linux
    abstract_names.cpp
    arguments.cpp
    copied_memory.cpp
    ephemeral_range.cpp
    file_locks.cpp
    isolation.cpp
    lease_tables.cpp
    network.cpp
    port_users.cpp
    socket_tables.cpp
    sockets.cpp
    threads.cpp)

if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set(portpool_platform_folders posix linux)
else()
  message(FATAL_ERROR "portpool supports Linux only, and this build is for ${CMAKE_SYSTEM_NAME}; "
                      "leave portpool out of it, or see \"Adding an operating system\" in "
                      "CONTRIBUTING.md")
endif()

set(portpool_platform_sources src/platform/private_socket.cpp)
foreach(folder IN LISTS portpool_platform_folders)
  set(sources ${portpool_sources_${folder}})
  list(TRANSFORM sources PREPEND src/platform/${folder}/)
  list(APPEND portpool_platform_sources ${sources})
endforeach()
