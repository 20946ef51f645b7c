# The test frameworks that the adapters link: those of the project that uses portpool, whether it
# adds them before portpool or after it, or else the installed ones. The adapters only name the
# frameworks' targets. An installed framework is imported when the whole project is configured:
# earlier, it would take the place of a framework that the project adds later, or exclude it.

# portpool_explain_missing(<variable> <framework> <what needs it>)
function(portpool_explain_missing variable framework needs)
  set(title_GTest GoogleTest)
  set(packages_GTest "libgtest-dev and libgmock-dev")
  set(title_Catch2 "Catch2, 2.13 or 3")
  set(packages_Catch2 "catch2 or libcatch2-dev")
  set(${variable}
      "${needs} needs ${title_${framework}}: install it (Debian: ${packages_${framework}}), add its \
prefix to CMAKE_PREFIX_PATH, or add its source to the project"
      PARENT_SCOPE)
endfunction()

# portpool_look_for(<variable> <framework> <target>)
#
# Whether the project has the target or the framework is installed. That is looked up in a directory
# of its own, so that no other sees what is imported there; <framework>_DIR is in the cache then.
function(portpool_look_for variable framework target)
  set(found TRUE)
  if(NOT TARGET ${target})
    get_property(count GLOBAL PROPERTY portpool_lookups)
    set_property(GLOBAL APPEND_STRING PROPERTY portpool_lookups I)
    add_subdirectory(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/lookup
                     ${CMAKE_BINARY_DIR}/portpool_lookup${count} EXCLUDE_FROM_ALL)
  endif()
  set(${variable} ${found} PARENT_SCOPE)
endfunction()

# portpool_provide(<framework> <library>...)
#
# Makes the targets <framework>::<library> visible in the whole project.
function(portpool_provide framework)
  foreach(library IN LISTS ARGN)
    # A library of the project's that lacks the other name.
    if(TARGET ${library} AND NOT TARGET ${framework}::${library})
      get_target_property(type ${library} TYPE)
      if(type MATCHES LIBRARY)
        add_library(${framework}::${library} ALIAS ${library})
      endif()
    endif()
  endforeach()
  if(NOT TARGET ${framework}::${ARGV1})
    find_package(${framework} QUIET)
  endif()
  foreach(library IN LISTS ARGN)
    if(TARGET ${framework}::${library})
      get_target_property(is_imported ${framework}::${library} IMPORTED)
      get_target_property(aliased ${framework}::${library} ALIASED_TARGET)
      if(is_imported AND NOT aliased)
        set_property(TARGET ${framework}::${library} PROPERTY IMPORTED_GLOBAL TRUE)
      endif()
    endif()
  endforeach()
endfunction()

# portpool_list_links(<variable> <directory>)
#
# What the targets of the directory and of those below it link: "<target> <library>" each.
function(portpool_list_links variable directory)
  set(links "")
  get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    foreach(property IN ITEMS LINK_LIBRARIES INTERFACE_LINK_LIBRARIES)
      get_property(libraries TARGET ${target} PROPERTY ${property})
      list(TRANSFORM libraries PREPEND "${target} ")
      list(APPEND links ${libraries})
    endforeach()
  endforeach()
  get_property(subdirectories DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(subdirectory IN LISTS subdirectories)
    portpool_list_links(further ${subdirectory})
    list(APPEND links ${further})
  endforeach()
  set(${variable} "${links}" PARENT_SCOPE)
endfunction()

# portpool_require(<framework> <library> <links> <adapter>...)
#
# Stops if one of the adapters is linked and the target <framework>::<library> is missing.
function(portpool_require framework library links)
  if(TARGET ${framework}::${library})
    return()
  endif()
  foreach(adapter IN LISTS ARGN)
    set(linking ${links})
    list(FILTER linking INCLUDE REGEX " portpool::${adapter}$")
    if(linking MATCHES "^([^ ]+) ")
      portpool_explain_missing(message ${framework}
                               "portpool::${adapter}, which ${CMAKE_MATCH_1} links,")
      message(FATAL_ERROR "${message}; there is no target ${framework}::${library}")
    endif()
  endforeach()
endfunction()

# To be called at the end of the project's configuration.
function(portpool_complete_adapters)
  portpool_provide(GTest gtest gmock)
  portpool_provide(Catch2 Catch2)
  portpool_list_links(links ${CMAKE_CURRENT_SOURCE_DIR})
  portpool_require(GTest gtest "${links}" gtest gtest_main)
  portpool_require(GTest gmock "${links}" gmock_main)
  portpool_require(Catch2 Catch2 "${links}" catch2 catch2_main)
endfunction()

function(portpool_complete_adapters_at_the_end)
  # That is the end of the outermost directory, or of the outermost one in which there is C++:
  # without it, no framework can be found.
  set(outermost ${CMAKE_CURRENT_SOURCE_DIR})
  get_property(parent DIRECTORY PROPERTY PARENT_DIRECTORY)
  while(parent)
    get_directory_property(has_cxx DIRECTORY ${parent} DEFINITION CMAKE_CXX_COMPILER_LOADED)
    if(has_cxx)
      set(outermost ${parent})
    endif()
    get_property(parent DIRECTORY ${parent} PROPERTY PARENT_DIRECTORY)
  endwhile()
  cmake_language(DEFER DIRECTORY ${outermost} GET_CALL_IDS calls)
  if(NOT portpool IN_LIST calls)
    cmake_language(DEFER DIRECTORY ${outermost} ID portpool CALL portpool_complete_adapters)
  endif()
endfunction()
portpool_complete_adapters_at_the_end()

# For include(Catch).
list(APPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR}/modules)
