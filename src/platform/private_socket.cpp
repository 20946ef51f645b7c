#include "platform/private_socket.hpp"

#include "platform/fork.hpp"

namespace portpool::platform {

PrivateSocket::PrivateSocket(Socket socket) noexcept
    : socket_(std::move(socket)), process_(currentProcess()) {
  if (socket_) closeInForkedChildren(socket_.get());
}

NativeSocket PrivateSocket::get() const noexcept {
  return process_ == currentProcess() ? socket_.get() : kNoSocket;
}

void PrivateSocket::close() noexcept {
  Socket socket(socket_.release());
  if (!socket) return;
  const NoFork noFork;
  if (process_ == currentProcess()) {
    keepInForkedChildren(socket.get());
    socket.close();
  } else {
    socket.release();  // closed by the fork
  }
}

}  // namespace portpool::platform
