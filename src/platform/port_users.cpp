#include "platform/port_users.hpp"

namespace portpool::platform {

PortUser::Use useOf(PortSocket::State state) {
  switch (state) {
    case PortSocket::State::Listening:
      return PortUser::Use::Listens;
    case PortSocket::State::Bound:
      return PortUser::Use::Binds;
    case PortSocket::State::Connected:
      return PortUser::Use::HasConnection;
    case PortSocket::State::Lingering:
      break;
  }
  return PortUser::Use::Lingers;
}

bool isOfKind(PortSocket::State state, SocketKind kind) {
  return kind == SocketKind::All || state == PortSocket::State::Connected ||
         state == PortSocket::State::Lingering;
}

}  // namespace portpool::platform
