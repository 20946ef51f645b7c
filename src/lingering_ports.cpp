#include "lingering_ports.hpp"

#include "platform/port_users.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

namespace portpool {

std::vector<std::uint16_t> lingeringPorts(const PortSet& ports) {
  std::map<std::uint16_t, std::chrono::milliseconds> longest;
  PortSet used;
  for (const auto& socket :
       platform::socketsOn(ports, Transport::TCP).value_or(std::vector<platform::PortSocket>())) {
    using platform::PortSocket;
    if (socket.state == PortSocket::State::Listening || socket.state == PortSocket::State::Bound) {
      used.insert(socket.port);
    }
    auto& time = longest[socket.port];
    time = std::max(time, socket.left);
  }
  std::vector<std::pair<std::chrono::milliseconds, std::uint16_t>> byAge;
  for (const auto& [port, time] : longest) {
    if (!used.contains(port)) byAge.emplace_back(time, port);
  }
  std::sort(byAge.begin(), byAge.end());
  std::vector<std::uint16_t> lingering;
  lingering.reserve(byAge.size());
  for (const auto& [time, port] : byAge) lingering.push_back(port);
  return lingering;
}

}  // namespace portpool
