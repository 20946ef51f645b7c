#include <portpool/port_users.hpp>

#include "platform/port_users.hpp"
#include "text.hpp"

namespace portpool {

std::string PortUser::process() const {
  constexpr std::size_t kLongest = 80;
  if (use == Use::Lingers) return "";
  if (pid == 0) return "a process that the system does not show this user";
  return (isThisProcess ? "this process, pid " : "pid ") + std::to_string(pid) + " (" +
         (isExiting ? "exiting" : printable(command, kLongest)) + ')';
}

std::optional<std::vector<PortUser>> usersOfPorts(const PortSet& ports, UserSearch search) {
  return platform::findUsers(ports, search);
}

std::optional<PortSet> leasedPorts() { return platform::findLeases(); }

std::size_t countLeasesOfOtherNetworks() { return platform::countForeignLeases(); }

}  // namespace portpool
