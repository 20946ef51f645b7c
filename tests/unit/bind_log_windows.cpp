#include "bind_log.hpp"

// What declares the function of a DLL as such has its callers look in this variable for it. The
// linker takes it from here, and so does not look for it in the library for the DLL.

namespace {

int WSAAPI bindLogged(SOCKET socket, const sockaddr* address, int size) {
  if (const int error = portpool::test::BindLog::beforeBind(address, size); error != 0) {
    ::WSASetLastError(error);
    return SOCKET_ERROR;
  }
  using Bind = int(WSAAPI*)(SOCKET, const sockaddr*, int);
  static const auto next = reinterpret_cast<Bind>(
      reinterpret_cast<void*>(::GetProcAddress(::GetModuleHandleW(L"ws2_32.dll"), "bind")));
  return next(socket, address, size);
}

}  // namespace

extern "C" {
extern int(WSAAPI* const __imp_bind)(SOCKET, const sockaddr*, int);
int(WSAAPI* const __imp_bind)(SOCKET, const sockaddr*, int) = bindLogged;
}
