#include <portpool/port_scope.hpp>

#include "descriptions.hpp"
#include "environment.hpp"
#include "leaks.hpp"
#include "platform/socket.hpp"
#include "port_pool_impl.hpp"
#include "port_scope_state.hpp"
#include "run_start.hpp"
#include "text.hpp"

#include <portpool/errors.hpp>
#include <portpool/port_pool.hpp>
#include <portpool/port_users.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <utility>

namespace portpool {

namespace {

std::vector<TCPPortOwner> allocate(const PortRequest& request) {
  return PortPool::process().allocateBlock(1, request);
}

/// The ports of one name are taken one at a time: threads that ask for it at once get one port. A
/// forked child has mutexes of its own.
std::mutex& namingMutex(const std::string& name) {
  const platform::CoreLock lock;
  static auto& mutexes = *new std::map<std::pair<std::uint64_t, std::string>, std::mutex>;
  return mutexes[{platform::currentProcess(), name}];
}

/// A request as it stands in an error: its kind, and what of it is unusual.
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

/// Has no memory to be sure of.
void warnOfUnknownLeaks(const std::string& phase, const std::exception& error) noexcept {
  try {
    warn(phase + " ends; it is not known whether its ports are still in use: " + error.what());
  } catch (const std::bad_alloc&) {
    return;
  }
}

/// What the system shows of a port's users, for a failing test.
std::string describeUsers(const std::vector<PortUser>& users, std::uint16_t port) {
  using Use = PortUser::Use;
  std::string servers, others;
  for (const auto& user : users) {
    if (user.port != port) continue;
    // What this process has bound is its hold.
    if (user.use == Use::Lingers || (user.use == Use::Binds && user.isThisProcess)) continue;
    const auto text = (user.use == Use::Listens         ? ""
                       : user.use == Use::HasConnection ? "a connection is open in "
                                                        : "it is bound by ") +
                      user.process();
    auto& list = user.use == Use::Listens ? servers : others;
    if (list.find(text) == std::string::npos) list += (list.empty() ? "" : ", ") + text;
  }
  if (!servers.empty()) return servers;
  return others.empty() ? "nothing listens" : "nothing listens, but " + others;
}

}  // namespace

// ---- PortScope ----------------------------------------------------------------------------------

PortScope::PortScope(std::string name) : portScope_(new State) {
  beginRun();
  const platform::CoreLock lock;
  auto& open = State::open();
  if (name.empty()) name = open.size() == 1 ? "a scope" : open.back()->name;
  portScope_->name = std::move(name);
  open.push_back(portScope_.get());
  announceTest(portScope_->name);
}

PortScope::PortScope(Innermost /*unused*/) noexcept {}

PortScope& PortScope::innermost() noexcept {
  const platform::CoreLock lock;  // or a child forked meanwhile would wait for it for ever
  alignas(PortScope) static std::array<std::byte, sizeof(PortScope)> memory;
  static auto& scope = *new (memory.data()) PortScope(Innermost());  // never destroyed
  return scope;
}

PortScope::~PortScope() {
  const auto failures = end();
  try {
    {
      const platform::CoreLock lock;
      auto& open = State::open();
      const auto self = open.erase(std::find(open.begin(), open.end(), portScope_.get()));
      announceTest(open.back()->name);
      auto& outer = **std::prev(self);
      if (&outer != open.front()) {
        outer.append(*portScope_, failures);
        return;
      }
    }
    for (const auto& failure : failures) log(failure);  // nobody is left to fail
  } catch (const std::exception&) {
    return;  // out of memory; nobody hears of it
  }
}

std::vector<std::string> PortScope::end() noexcept {
  std::vector<TCPPortOwner> owners;
  std::vector<std::string> failures;
  if (!portScope_) return failures;
  auto& state = *portScope_;
  {
    const platform::CoreLock lock;
    owners.swap(state.owners);
    failures.swap(state.failures);
    state.named.clear();
  }
  if (state.process != platform::currentProcess()) failures.clear();  // the parent tells them
  try {
    if (owners.empty() || leakPolicy() == LeakPolicy::Ignore) return failures;
    std::vector<detail::Allocation*> allocations;
    for (const auto& owner : owners) allocations.push_back(owner.allocation_.get());
    const auto leaks = findLeaks(state.name, allocations);
    for (const auto& leak : leaks.unknown) warn(leak);
    for (const auto& leak : leaks.found) {
      {
        const platform::CoreLock lock;
        state.leaked.insert(leak.port);
      }
      if (leakPolicy() == LeakPolicy::Fail) {
        failures.push_back(leak.message);
      } else {
        warn(leak.message);
      }
    }
  } catch (const std::exception& error) {
    warnOfUnknownLeaks(state.name, error);
  }
  return failures;
}

template <class Allocate>
std::vector<std::uint16_t> PortScope::takePorts(std::size_t count, const Allocate& allocate,
                                                const PortRequest* byName) {
  const auto take = [&] {
    auto owners = allocate();
    const platform::CoreLock lock;
    return State::of(portScope_).adopt(owners, byName);
  };
  return takeOrFailRun(take, std::vector<std::uint16_t>(std::max<std::size_t>(count, 1)));
}

std::uint16_t PortScope::takeNamedPorts(const PortRequest& request, std::size_t count) {
  if (request.name.empty()) {
    throw PortSpecificationError("a port is requested with an empty name; give it a name");
  }
  const auto find = [&]() -> std::uint16_t {
    const platform::CoreLock lock;
    const auto* named = State::of(portScope_).find(request.name);
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
  const auto allocate = [&] { return PortPool::process().allocateBlock(count, request); };
  return takePorts(count, allocate, &request).front();
}

std::vector<std::uint16_t> PortScope::ports() const {
  std::vector<std::uint16_t> ports;
  const platform::CoreLock lock;
  for (const auto& each : State::of(portScope_).handedOut) ports.push_back(each.port);
  return ports;
}

std::vector<std::pair<std::string, std::string>> PortScope::properties() const {
  std::string tcp, udp, names, leaked;
  const auto add = [](std::string& list, const std::string& word) {
    list += (list.empty() ? "" : " ") + word;
  };
  {
    const platform::CoreLock lock;
    auto& state = State::of(portScope_);
    state.isReported = true;
    for (const auto& each : state.handedOut) {
      if (each.isReported) continue;
      const auto port = std::to_string(each.port);
      if (each.request->transport != Transport::UDP) add(tcp, port);
      if (each.request->transport != Transport::TCP) add(udp, port);
      if (!each.named.empty()) add(names, each.named);
    }
    for (const auto port : state.leaked) add(leaked, std::to_string(port));
  }
  std::vector<std::pair<std::string, std::string>> properties;
  for (const auto& [name, value] : {std::pair<const char*, const std::string&>{"tcp_ports", tcp},
                                    {"udp_ports", udp},
                                    {"named_ports", names},
                                    {"leaked_ports", leaked}}) {
    if (!value.empty()) properties.emplace_back(name, value);
  }
  return properties;
}

std::uint16_t PortScope::getNextAvailableTCPPort(const PortRequest& request) {
  return takePorts(1, [&] { return allocate(request); }).front();
}

std::uint16_t PortScope::getNextAvailableTCPPort(std::vector<std::string> hosts,
                                                 AddressFamily family) {
  PortRequest request;
  request.hosts = std::move(hosts);
  request.family = family;
  return getNextAvailableTCPPort(request);
}

std::uint16_t PortScope::getNextAvailableUDPPort(PortRequest request) {
  request.transport = Transport::UDP;
  return getNextAvailableTCPPort(request);
}

std::vector<std::uint16_t> PortScope::getNextAvailableTCPPorts(std::size_t count,
                                                               const PortRequest& request) {
  return takePorts(count, [&] { return PortPool::process().allocateSeveral(count, request); });
}

PortRange PortScope::getNextAvailableTCPPortBlock(std::size_t count, const PortRequest& request) {
  const auto ports =
      takePorts(count, [&] { return PortPool::process().allocateBlock(count, request); });
  return {ports.front(), ports.back()};
}

std::uint16_t PortScope::getRefusedTCPPort(PortRequest request) {
  request.hold = Hold::Exclusive;
  return getNextAvailableTCPPort(request);
}

ListeningSocket PortScope::getListeningTCPSocket(const std::string& host, int backlog) {
  ListeningSocket socket(kNoSocket);
  takePorts(1, [&] {
    PortRequest request;
    // Without one, another program may take the port in the instant before it listens.
    if (platform::whyNoHolds() == nullptr) request.hold = Hold::Shared;
    auto owners = allocate(request);
    socket = owners.front().listen(host, backlog);
    return owners;
  });
  return socket;
}

std::uint16_t PortScope::getNamedTCPPort(const std::string& name, const PortRequest& request) {
  return getNamedTCPPortBlock(name, 1, request).first;
}

std::uint16_t PortScope::getNamedUDPPort(const std::string& name, PortRequest request) {
  request.transport = Transport::UDP;
  return getNamedTCPPort(name, request);
}

PortRange PortScope::getNamedTCPPortBlock(const std::string& name, std::size_t count,
                                          const PortRequest& request) {
  auto named = request;
  named.name = name;
  const auto take = [&]() -> PortRange {
    const auto first = takeNamedPorts(named, count);
    if (first == 0) return {0, 0};  // before the run
    return {first, static_cast<std::uint16_t>(first + (count - 1) * request.distance)};
  };
  return takeOrFailRun(take, PortRange{0, 0});
}

// ---- Those of the innermost scope ---------------------------------------------------------------

std::uint16_t getNextAvailableTCPPort(const PortRequest& request) {
  return PortScope::innermost().getNextAvailableTCPPort(request);
}

std::uint16_t getNextAvailableTCPPort(std::vector<std::string> hosts, AddressFamily family) {
  return PortScope::innermost().getNextAvailableTCPPort(std::move(hosts), family);
}

std::uint16_t getNextAvailableUDPPort(PortRequest request) {
  return PortScope::innermost().getNextAvailableUDPPort(std::move(request));
}

std::vector<std::uint16_t> getNextAvailableTCPPorts(std::size_t count, const PortRequest& request) {
  return PortScope::innermost().getNextAvailableTCPPorts(count, request);
}

PortRange getNextAvailableTCPPortBlock(std::size_t count, const PortRequest& request) {
  return PortScope::innermost().getNextAvailableTCPPortBlock(count, request);
}

std::uint16_t getRefusedTCPPort(PortRequest request) {
  return PortScope::innermost().getRefusedTCPPort(std::move(request));
}
ListeningSocket getListeningTCPSocket(const std::string& host, int backlog) {
  return PortScope::innermost().getListeningTCPSocket(host, backlog);
}

std::uint16_t getNamedTCPPort(const std::string& name, const PortRequest& request) {
  return PortScope::innermost().getNamedTCPPort(name, request);
}

std::uint16_t getNamedUDPPort(const std::string& name, PortRequest request) {
  return PortScope::innermost().getNamedUDPPort(name, std::move(request));
}

PortRange getNamedTCPPortBlock(const std::string& name, std::size_t count,
                               const PortRequest& request) {
  return PortScope::innermost().getNamedTCPPortBlock(name, count, request);
}

// ---- What a failing test shows ------------------------------------------------------------------

std::string describePorts() {
  const auto lines = PortScope::State::lines();
  PortSet ports;
  for (const auto& [port, line] : lines) ports.insert(port);
  if (ports.empty()) return {};
  const auto users = usersOfPorts(ports, UserSearch::Sockets);
  std::string text;
  for (const auto& [port, line] : lines) {
    text += "portpool: " + line.phase + ": " + portTitle(port, line.name) +
            (line.isReturned ? " (returned): " : ": ") +
            (users ? describeUsers(*users, port)
                   : "it is not known what listens, because the system does not show its sockets") +
            '\n';
  }
  return text;
}

}  // namespace portpool
