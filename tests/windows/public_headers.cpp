// The public headers alone: they bring no header of the system's, and none of its macros.

#include <portpool/portpool.hpp>

#if defined(_WINDOWS_) || defined(_WINSOCK2API_) || defined(min) || defined(max)
#error "a public header includes the system's"
#endif

static_assert(sizeof(portpool::NativeSocket) == sizeof(void*), "a SOCKET is as wide as a pointer");
