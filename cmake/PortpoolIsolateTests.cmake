# portpool_isolate_tests(<target>...)
#
# Runs every test of these programs in a network of its own, by `portpool isolate`: the tests of
# add_test(NAME <name> COMMAND <target> ...), and the tests that gtest_discover_tests() and
# catch_discover_tests() find. Call these two functions after this one. Listing the tests is not
# isolated. Needs the portpool command.
function(portpool_isolate_tests)
  if(NOT TARGET portpool::command)
    message(FATAL_ERROR "portpool_isolate_tests: the portpool command is missing; build portpool "
                        "with PORTPOOL_BUILD_CLI=ON")
  endif()
  get_target_property(is_imported portpool::command IMPORTED)
  if(is_imported)
    get_target_property(command portpool::command LOCATION)
  else()
    get_target_property(command portpool::command ALIASED_TARGET)
    get_target_property(binary_dir ${command} BINARY_DIR)
    set(command ${binary_dir}/portpool)
  endif()
  get_property(discoveries DIRECTORY PROPERTY TEST_INCLUDE_FILES)
  foreach(target IN LISTS ARGN)
    if(NOT TARGET ${target})
      message(FATAL_ERROR "portpool_isolate_tests: there is no target ${target}; call it after "
                          "add_executable")
    endif()
    foreach(discovery IN LISTS discoveries)
      get_filename_component(file ${discovery} NAME)
      string(FIND "${file}" "${target}" at)
      if(NOT at EQUAL 0)
        continue()
      endif()
      string(LENGTH "${target}" length)
      string(SUBSTRING "${file}" ${length} -1 rest)
      if(rest MATCHES "^(\\[[0-9]+\\]|-[0-9a-f]+)_include\\.cmake$")
        message(FATAL_ERROR "portpool_isolate_tests: call it before the tests of ${target} are "
                            "discovered")
      endif()
    endforeach()
    # By CMake 3.29 and by what came before it; to be isolated twice does no harm. What has launched
    # the tests still does, in the network.
    foreach(property IN ITEMS TEST_LAUNCHER CROSSCOMPILING_EMULATOR)
      get_target_property(launcher ${target} ${property})
      if(NOT launcher)
        set(launcher "")
      endif()
      set_property(TARGET ${target} PROPERTY ${property} ${command} isolate -- ${launcher})
    endforeach()
    if(NOT is_imported)
      add_dependencies(${target} portpool_command)
    endif()
  endforeach()
endfunction()
