#include <portpool/ports.hpp>

#include "descriptions.hpp"
#include "platform/fork.hpp"
#include "platform/socket.hpp"
#include "port_scope_state.hpp"
#include "run_start.hpp"
#include "text.hpp"

#include <portpool/errors.hpp>
#include <portpool/port_pool.hpp>
#include <portpool/port_users.hpp>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

namespace portpool {

using detail::ScopeState;

namespace {

/// The ports of one name are taken one at a time: threads that ask for it at once get one port. A
/// forked child has mutexes of its own.
std::mutex& namingMutex(const std::string& name) {
  const platform::CoreLock lock;
  static auto& mutexes = *new std::map<std::pair<std::uint64_t, std::string>, std::mutex>;
  return mutexes[{platform::currentProcess(), name}];
}

/// A request for an error message: its kind, and its unusual properties.
std::string describe(const PortRequest& request, std::size_t count) {
  const PortRequest usual;
  auto text = kindOf(request, count, true);
  if (request.hosts != usual.hosts) {
    text += " of";
    for (const auto& host : request.hosts) text += " host \"" + printable(host, kLongestName) + '"';
  }
  if (request.family == AddressFamily::IPv4) text += ", IPv4 only";
  if (request.family == AddressFamily::IPv6) text += ", IPv6 only";
  if (request.avoidTimeWait) text += ", without TIME_WAIT";
  if (request.hold == Hold::Shared) text += ", held";
  if (request.hold == Hold::Exclusive) text += ", held exclusively";
  return text;
}

bool isSame(const PortRequest& one, const PortRequest& other) {
  return one.hosts == other.hosts && one.family == other.family &&
         one.avoidTimeWait == other.avoidTimeWait && one.transport == other.transport &&
         one.hold == other.hold && one.multipleOf == other.multipleOf &&
         one.distance == other.distance;
}

/// Gives the innermost scope the ports, named by `byName` unless it is null, and returns them.
std::vector<std::uint16_t> adopt(std::vector<TCPPortOwner> owners,
                                 const PortRequest* byName = nullptr) {
  const platform::CoreLock lock;
  return ScopeState::open().back()->adopt(owners, byName);
}

/// Gives the innermost scope the owners that `allocate` returns, and returns their ports.
template <class Allocate>
std::vector<std::uint16_t> takePorts(std::size_t count, const Allocate& allocate) {
  return takeOrFailRun([&] { return adopt(allocate()); },
                       std::vector<std::uint16_t>(std::max<std::size_t>(count, 1)));
}

/// Returns the first port of the request's name; the other ports of a block follow it.
std::uint16_t takeNamedPorts(const PortRequest& request, std::size_t count) {
  if (request.name.empty()) {
    throw PortSpecificationError("a port is requested with an empty name; give it a name");
  }
  const auto find = [&]() -> std::uint16_t {
    const platform::CoreLock lock;
    const auto* named = ScopeState::find(request.name);
    if (named == nullptr) return 0;
    if (named->count == count && isSame(*named->request, request)) return named->first;
    throw PortSpecificationError(portTitle(named->first, request.name) + " is a " +
                                 describe(*named->request, named->count) + ", and a " +
                                 describe(request, count) +
                                 " is requested with the same name; give one of them another name");
  };
  if (const auto port = find(); port != 0) return port;
  const std::lock_guard<std::mutex> naming(namingMutex(request.name));
  if (const auto port = find(); port != 0) return port;
  return adopt(PortPool::process().allocateBlock(count, request), &request).front();
}

bool isHold(const PortUser& user) { return user.use == PortUser::Use::Binds && user.isThisProcess; }

/// The users of a port, for a failing test.
std::string describeUsers(std::uint16_t port, const std::vector<PortUser>& users) {
  using Use = PortUser::Use;
  auto servers = processesOn(port, users, {Use::Listens});
  if (!servers.empty()) return servers;
  const auto binders = processesOn(port, users, {Use::Binds});
  const auto clients = processesOn(port, users, {Use::HasConnection});
  auto others = binders.empty() ? "" : ", but it is bound by " + binders;
  if (!clients.empty())
    others += (others.empty() ? ", but a" : ", a") + (" connection is open in " + clients);
  return "nothing listens" + others;
}

}  // namespace

std::uint16_t getNextAvailableTCPPort(const PortRequest& request) {
  return getNextAvailableTCPPortBlock(1, request).first;
}

std::uint16_t getNextAvailableTCPPort(std::vector<std::string> hosts, AddressFamily family) {
  return getNextAvailableTCPPort(PortRequest{std::move(hosts), family});
}

std::uint16_t getNextAvailableUDPPort(PortRequest request) {
  request.transport = Transport::UDP;
  return getNextAvailableTCPPort(request);
}

std::vector<std::uint16_t> getNextAvailableTCPPorts(std::size_t count, const PortRequest& request) {
  return takePorts(count, [&] { return PortPool::process().allocateSeveral(count, request); });
}

PortRange getNextAvailableTCPPortBlock(std::size_t count, const PortRequest& request) {
  const auto ports =
      takePorts(count, [&] { return PortPool::process().allocateBlock(count, request); });
  return {ports.front(), ports.back()};
}

std::uint16_t getRefusedTCPPort(PortRequest request) {
  request.hold = Hold::Exclusive;
  return getNextAvailableTCPPort(request);
}

ListeningSocket getListeningTCPSocket(const std::string& host, int backlog) {
  ListeningSocket socket(kNoSocket);
  takePorts(1, [&] {
    PortRequest request;
    // Without one, another program may take the port in the instant before it listens.
    if (platform::whyNoHolds() == nullptr) request.hold = Hold::Shared;
    auto owners = PortPool::process().allocateBlock(1, request);
    socket = owners.front().listen(host, backlog);
    return owners;
  });
  return socket;
}

std::uint16_t getNamedTCPPort(const std::string& name, const PortRequest& request) {
  return getNamedTCPPortBlock(name, 1, request).first;
}

std::uint16_t getNamedUDPPort(const std::string& name, PortRequest request) {
  request.transport = Transport::UDP;
  return getNamedTCPPort(name, request);
}

PortRange getNamedTCPPortBlock(const std::string& name, std::size_t count,
                               const PortRequest& request) {
  auto named = request;
  named.name = name;
  const auto take = [&]() -> PortRange {
    const auto first = takeNamedPorts(named, count);
    return {first, static_cast<std::uint16_t>(first + (count - 1) * request.distance)};
  };
  return takeOrFailRun(take, PortRange{0, 0});
}

std::string describePorts() {
  const auto lines = ScopeState::lines();
  PortSet ports;
  for (const auto& [port, line] : lines) ports.insert(port);
  if (ports.empty()) return {};
  auto users = usersOfPorts(ports, UserSearch::Sockets);
  if (users) users->erase(std::remove_if(users->begin(), users->end(), isHold), users->end());
  std::string text;
  for (const auto& [port, line] : lines) {
    text += "portpool: " + line.phase + ": " + portTitle(port, line.name) +
            (line.isReturned ? " (returned): " : ": ") +
            (users ? describeUsers(port, *users)
                   : "it is not known what listens, because the system does not show its sockets") +
            '\n';
  }
  return text;
}

}  // namespace portpool
