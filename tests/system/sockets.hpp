#pragma once

// The system's headers of sockets.

#if __has_include(<netinet/in.h>)
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#else
#include "platform/windows/windows.hpp"
// After it.
#include <afunix.h>
#endif
