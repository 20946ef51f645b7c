#include "descriptions.hpp"

#include "text.hpp"

#include <algorithm>
#include <map>

namespace portpool {

std::string kindOf(const PortRequest& request, std::size_t count, bool isBlock) {
  const std::string transport = request.transport == Transport::TCP   ? "TCP"
                                : request.transport == Transport::UDP ? "UDP"
                                                                      : "TCP and UDP";
  const auto multiple =
      request.multipleOf == 1 ? "" : " a multiple of " + std::to_string(request.multipleOf);
  if (count == 1) return transport + " port" + (multiple.empty() ? "" : " that is" + multiple);
  const auto ports = std::to_string(count) +
                     (isBlock && request.distance == 1 ? " consecutive " : " ") + transport +
                     " ports";
  if (!isBlock) return "set of " + ports;
  return "block of " + ports +
         (request.distance == 1 ? "" : " at a distance of " + std::to_string(request.distance)) +
         (multiple.empty() ? "" : ", the first" + multiple);
}

std::string describeHolders(const PortSet& ports, bool isOneNeeded) {
  constexpr std::size_t kMost = 20;
  const auto pool = "ports of the pool (" + listed(ports) + ')';
  const auto known = usersOfPorts(ports, UserSearch::SocketsAndLeases);
  if (!known) {
    return "it is not known who has the " + pool + ", because the system does not show its sockets";
  }
  std::map<std::string, PortSet> users;
  PortSet explained;
  for (const auto& user : *known) {
    const bool lingers = user.use == PortUser::Use::Lingers;
    users[lingers ? "connections in TIME_WAIT or the like" : user.process()].insert(user.port);
    explained.insert(user.port);
  }
  const auto rest = ports - explained;
  if (isOneNeeded && !rest.empty()) users["no process that the system shows"] = rest;
  std::string text = "taken " + pool;
  std::size_t told = 0;
  for (const auto& [user, used] : users) {
    if (told++ == kMost) return text + "; and " + std::to_string(users.size() - kMost) + " others";
    text += (told == 1 ? ": " : "; ") + listed(used) + " by " + user;
  }
  return text;
}

std::string processesOn(std::uint16_t port, const std::vector<PortUser>& users,
                        const std::vector<PortUser::Use>& uses) {
  std::string processes;
  for (const auto& user : users) {
    if (user.port != port || std::find(uses.begin(), uses.end(), user.use) == uses.end()) continue;
    const auto process = user.process();
    if (processes.find(process) != std::string::npos) continue;
    processes += (processes.empty() ? "" : ", ") + process;
  }
  return processes;
}

}  // namespace portpool
