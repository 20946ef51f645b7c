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

PortUser unknownUser(std::uint16_t port, PortUser::Use use, Transport transport) {
  PortUser user{port, use, transport};
  user.isExiting = true;  // for all that is known
  return user;
}

}  // namespace portpool::platform
