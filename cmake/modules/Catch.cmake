# Stands for Catch2's own Catch.cmake, since portpool does not import Catch2 as long as the project
# may add another: that of the project's Catch2, or else of the installed one.
function(portpool_find_catch_module variable)
  set(folders ${CMAKE_MODULE_PATH})
  list(REMOVE_ITEM folders ${CMAKE_CURRENT_FUNCTION_LIST_DIR})
  if(TARGET Catch2)
    get_target_property(source Catch2 SOURCE_DIR)
    list(APPEND folders ${source}/../extras ${source}/contrib) # version 3, version 2
  endif()
  find_file(module Catch.cmake PATHS ${folders} NO_DEFAULT_PATH NO_CACHE)
  if(NOT module)
    portpool_look_for(found Catch2 Catch2::Catch2)
    find_file(module Catch.cmake PATHS ${Catch2_DIR} NO_DEFAULT_PATH NO_CACHE)
  endif()
  if(NOT module)
    portpool_explain_missing(message Catch2 "include(Catch)")
    message(FATAL_ERROR "${message}; there is no Catch.cmake in CMAKE_MODULE_PATH")
  endif()
  set(${variable} ${module} PARENT_SCOPE)
endfunction()

portpool_find_catch_module(portpool_catch_module)
include(${portpool_catch_module})
