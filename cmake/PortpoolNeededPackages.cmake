# portpool_need_packages(<what> <option> [<variable> <package>]...)
#
# Stops if one of the variables, which find_package() sets, is false: <what> needs that package,
# named as in Debian, or else <option> must be OFF.
function(portpool_need_packages what option)
  while(ARGN)
    list(POP_FRONT ARGN found package)
    if(NOT ${found})
      message(FATAL_ERROR "${what} needs ${package} (its name in Debian), which is not found; "
                          "install it, or set ${option}=OFF")
    endif()
  endwhile()
endfunction()
