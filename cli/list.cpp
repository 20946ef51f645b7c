#include "commands.hpp"
#include "output.hpp"

#include <portpool/portpool.hpp>

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <tuple>

namespace portpool::cli {
namespace {

using Json = nlohmann::ordered_json;
using Use = PortUser::Use;
using Users = std::vector<PortUser>;

constexpr const char* kUnseen = "(not shown)";

bool isUnseen(const PortUser& user) { return user.pid == 0 && user.use != Use::Lingers; }

/// Who uses the ports, each process once for each use, those that lease first.
std::map<std::uint16_t, Users> usersByPort(const PortSet& ports) {
  auto users = usersOfPorts(ports, UserSearch::SocketsAndLeases);
  if (users && std::any_of(users->begin(), users->end(), isUnseen)) {
    users = usersOfPorts(ports, UserSearch::SocketsAndLeases);  // they may have ended meanwhile
  }
  if (!users) {
    throw std::runtime_error(
        "the system shows this process no program's sockets, so it is not known who uses a port; "
        "mount /proc for it, or let it use NETLINK_SOCK_DIAG");
  }
  const auto key = [](const PortUser& user) {
    return std::tuple(user.port, user.use, user.transport, user.pid, user.userId);
  };
  std::sort(users->begin(), users->end(),
            [&](const PortUser& a, const PortUser& b) { return key(a) < key(b); });
  users->erase(std::unique(users->begin(), users->end(),
                           [&](const PortUser& a, const PortUser& b) { return key(a) == key(b); }),
               users->end());
  std::map<std::uint16_t, Users> byPort;
  for (auto& user : *users) byPort[user.port].push_back(std::move(user));
  return byPort;
}

const char* nameOf(Use use) {
  switch (use) {
    case Use::Leases:
      return "leases";
    case Use::Listens:
      return "listens";
    case Use::Binds:
      return "binds";
    case Use::HasConnection:
      return "connection";
    case Use::Lingers:
      break;
  }
  return "lingers";
}

// ---- JSON ---------------------------------------------------------------------------------------

Json toJson(const PortUser& user) {
  const auto orNull = [](bool isKnown, const Json& value) { return isKnown ? value : Json(); };
  return {{"use", nameOf(user.use)},
          {"transport",
           orNull(user.use != Use::Leases, user.transport == Transport::UDP ? "udp" : "tcp")},
          {"pid", orNull(user.pid != 0, user.pid)},
          {"user", orNull(user.userId.has_value(), userName(user))},
          {"command", orNull(user.pid != 0, user.command)}};
}

Json toJson(std::uint16_t port, const Users& users) {
  auto list = Json::array();
  for (const auto& user : users) list.push_back(toJson(user));
  return {{"port", port}, {"users", list}};
}

void printJson(const Json& json) {
  print(json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n');
}

// ---- Text ---------------------------------------------------------------------------------------

std::vector<std::string> row(const PortUser& user) {
  const auto use = nameOf(user.use) + std::string(user.transport == Transport::UDP ? " (udp)" : "");
  auto row = std::vector{std::to_string(user.port), use};
  if (user.use == Use::Lingers) {
    row.insert(row.end(), {"-", "-", "(a connection in TIME_WAIT or the like)"});
    return row;
  }
  const auto name = userName(user);
  row.push_back(user.pid == 0 ? "?" : std::to_string(user.pid));
  row.push_back(name.empty() ? "?" : name);
  row.push_back(user.pid == 0 ? kUnseen : user.isExiting ? "(exiting)" : shortened(user.command));
  return row;
}

void printTable(const std::map<std::uint16_t, Users>& byPort) {
  std::vector<std::vector<std::string>> rows{{"PORT", "USE", "PID", "USER", "COMMAND"}};
  bool isAnyUnseen = false;
  for (const auto& [port, users] : byPort) {
    for (const auto& user : users) {
      rows.push_back(row(user));
      isAnyUnseen = isAnyUnseen || isUnseen(user);
    }
  }
  print(table(rows));
  if (!isAnyUnseen) return;
  print(::geteuid() == 0
            ? "\n?: a process that is not visible here, perhaps in a container: run this outside\n"
            : "\n?: a process that this user may not inspect: run this as root\n");
}

}  // namespace

int list(const ListOptions& options) {
  std::map<std::uint16_t, Users> leased;
  for (auto& [port, users] : usersByPort(leasedPorts())) {
    if (users.front().use != Use::Leases) continue;  // it has just been returned
    users.erase(std::remove_if(users.begin(), users.end(),
                               [](const PortUser& user) { return user.use > Use::Binds; }),
                users.end());
    leased[port] = std::move(users);
  }
  const auto elsewhere = countLeasesOfOtherNetworks();
  if (options.asJson) {
    auto ports = Json::array();
    for (const auto& [port, users] : leased) ports.push_back(toJson(port, users));
    printJson(Json{{"ports", ports}, {"leases_of_other_networks", elsewhere}});
    return 0;
  }
  if (leased.empty()) {
    print("no port is leased\n");
  } else {
    printTable(leased);
  }
  if (elsewhere != 0) {
    print("\nnot listed: " + counted(elsewhere, "lease") +
          " of other networks (of containers, or of isolated tests)\n");
  }
  return 0;
}

int who(const WhoOptions& options) {
  const auto byPort = usersByPort({{options.port, options.port}});
  const bool isUsed = !byPort.empty();
  if (options.asJson) {
    printJson(toJson(options.port, isUsed ? byPort.begin()->second : Users()));
  } else if (isUsed) {
    printTable(byPort);
  } else {
    print("nobody uses port " + std::to_string(options.port) + '\n');
  }
  return isUsed ? 0 : kFailure;
}

}  // namespace portpool::cli
