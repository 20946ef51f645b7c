# Fails if the shared library LIBRARY exports anything but what the public headers in HEADERS declare:
# functions, and members and type information of the classes that they define. NM is binutils' nm.
cmake_minimum_required(VERSION 3.21...3.25)

file(GLOB headers ${HEADERS}/*.hpp)
set(text "")
foreach(header IN LISTS headers)
  file(STRINGS ${header} lines REGEX "^ *[^/ ]") # without comments
  string(APPEND text "${lines}")
endforeach()
string(REGEX MATCHALL "(class|struct) [A-Za-z]+ [:{]" classes "${text}")
list(TRANSFORM classes REPLACE "^[a-z]+ | .$" "")
string(REGEX MATCHALL "(operator[^ a-z(]+|[A-Za-z]+)\\(" functions "${text}")
list(TRANSFORM functions REPLACE ".$" "")

execute_process(COMMAND ${NM} --dynamic --defined-only --demangle ${LIBRARY} OUTPUT_VARIABLE symbols
                COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "[abi:cxx11]" "" symbols "${symbols}")
string(REGEX MATCHALL "[^\n]+" symbols "${symbols}")
list(TRANSFORM symbols REPLACE "^[0-9a-f]* [A-Za-z] " "")

foreach(symbol IN LISTS symbols)
  string(REGEX REPLACE "^(typeinfo|typeinfo name|vtable) for |\\(.*" "" name "${symbol}")
  string(REGEX REPLACE "^portpool::|~" "" name "${name}")
  string(REPLACE "::" ";" scopes "${name}")
  list(POP_BACK scopes last)
  list(REMOVE_ITEM scopes ${classes})
  if(scopes OR NOT last IN_LIST classes AND NOT last IN_LIST functions)
    message(SEND_ERROR "not in a public header: ${symbol}")
  endif()
endforeach()

# Exceptions are caught on the other side of the library.
file(STRINGS ${HEADERS}/errors.hpp exceptions REGEX "^class ")
foreach(exception IN LISTS exceptions)
  string(REGEX REPLACE "class ([A-Za-z]+).*" "\\1" exception "${exception}")
  if(NOT "typeinfo for portpool::${exception}" IN_LIST symbols)
    message(SEND_ERROR "not exported: ${exception}")
  endif()
endforeach()
list(LENGTH symbols count)
message(STATUS "${count} symbols")
