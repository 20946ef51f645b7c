#pragma once

// The system's headers, in the order that they need, and without their min and max.

#undef _WIN32_WINNT
#define _WIN32_WINNT 0x0603  // Windows 8.1
#ifndef NOMINMAX
#define NOMINMAX
#endif
#define WIN32_LEAN_AND_MEAN

#include <winsock2.h>
#include <ws2tcpip.h>

#include <windows.h>
