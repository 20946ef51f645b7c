# portpool_add_adapter(<name> <framework's target> <source>...)
#
# Makes portpool::<name>. An adapter's sources are compiled in the build that uses it, against that
# build's framework: see PortpoolFrameworks.cmake.
function(portpool_add_adapter name framework)
  add_library(portpool_${name} INTERFACE)
  add_library(portpool::${name} ALIAS portpool_${name})
  set_target_properties(portpool_${name} PROPERTIES EXPORT_NAME ${name})
  target_link_libraries(portpool_${name} INTERFACE portpool $<1:${framework}>) # not checked here
  target_include_directories(
    portpool_${name} INTERFACE $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
                               $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  foreach(source IN LISTS ARGN)
    target_sources(
      portpool_${name}
      INTERFACE $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/${source}>
                $<INSTALL_INTERFACE:$<INSTALL_PREFIX>/${CMAKE_INSTALL_DATADIR}/portpool/${source}>)
  endforeach()
endfunction()
