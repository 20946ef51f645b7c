# Fails if the shared library LIBRARY is linked to anything but the C++ standard library and what
# that rests on.
execute_process(COMMAND readelf --dynamic --wide ${LIBRARY} OUTPUT_VARIABLE dynamic
                COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "NEEDED[^\n]*\\[[^]\n]*" entries "${dynamic}")
if(NOT entries)
  message(FATAL_ERROR "readelf shows no libraries for ${LIBRARY}:\n${dynamic}")
endif()
foreach(entry IN LISTS entries)
  string(REGEX REPLACE ".*\\[" "" library "${entry}")
  message(STATUS "${library}")
  if(NOT library MATCHES "^(libstdc\\+\\+|libm|libgcc_s|libc|libpthread|ld-linux[^.]*)\\.so")
    message(FATAL_ERROR "portpool is linked to ${library}")
  endif()
endforeach()
