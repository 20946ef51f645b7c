#include <portpool/catch2.hpp>

#ifndef OWN_CATCH2
#error "this is not the project's own Catch2"
#endif
