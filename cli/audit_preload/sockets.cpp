// bind(), bindresvport() and connect(): what the program would call, and a line of the log.

#include "current_test.hpp"
#include "endpoint.hpp"
#include "lease.hpp"
#include "log.hpp"
#include "process.hpp"
#include "system.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace portpool::audit {
namespace {

/// "tcp", "udp", or null for a socket of another protocol.
const char* protocolOf(int socket) {
  constexpr int kMPTCP = 262;  // which older headers lack
  int protocol = 0;
  socklen_t size = sizeof protocol;
  if (::getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0) return nullptr;
  if (protocol == IPPROTO_UDP) return "udp";
  return protocol == IPPROTO_TCP || protocol == kMPTCP ? "tcp" : nullptr;
}

/// A call of the program.
struct Call {
  const char* kind;
  const char* protocol;
  const Endpoint& endpoint;
  int error;
  bool isEphemeral;
  std::uint64_t network;
  const void* caller;
};

/// Whether the process has made the same call before, in the same test and from the same place.
/// What programs do in a loop has one line.
bool isRepeated(const Call& call, Lease lease, const CurrentTest& test) {
  // A sum of what tells calls apart stands for it, by FNV-1a.
  std::uint64_t sum = 0xcbf29ce484222325;
  const auto mix = [&](std::uint64_t value) { sum = (sum ^ value) * 0x100000001b3; };
  const auto mixText = [&](const char* text) {
    for (; *text != '\0'; ++text) mix(static_cast<unsigned char>(*text));
  };
  mixText(call.kind);
  mixText(call.protocol);
  mixText(call.endpoint.text());
  mixText(test.text());
  mix(call.endpoint.port());
  mix(static_cast<std::uint64_t>(::getpid()));
  mix(call.network);
  mix(reinterpret_cast<std::uintptr_t>(call.caller));
  mix(static_cast<std::uint64_t>(call.error));
  mix(static_cast<std::uint64_t>(lease));
  // The lower half chooses the place, so that calls that take turns have one each.
  constexpr std::size_t kPlaces = 65536;
  static std::atomic<std::uint32_t> known[kPlaces];
  sum ^= sum >> 29U;
  const auto own = static_cast<std::uint32_t>(sum >> 32) | 1U;
  return known[sum % kPlaces].exchange(own, std::memory_order_relaxed) == own;
}

void write(const Call& call, Lease lease, const CurrentTest& test) {
  const Place place(call.caller);
  Line line;
  line.add(call.kind).add(call.protocol).add(call.endpoint.port()).add(call.endpoint.text());
  line.add(static_cast<std::uint64_t>(call.error)).add(static_cast<std::uint64_t>(lease));
  line.add(call.isEphemeral ? "1" : "0").add(call.network);
  line.add(static_cast<std::uint64_t>(::getpid())).add(processStart());
  line.add(program()).add(command()).add(test.text()).add(place.module()).add(place.offset());
  line.write();
}

void recordBind(int socket, const sockaddr* address, socklen_t size, int error,
                const void* caller) {
  const char* protocol = protocolOf(socket);
  if (protocol == nullptr) {
    if (error == 0) noteLease(address, size);
    return;
  }
  Endpoint endpoint(address, size);
  const bool isEphemeral = endpoint.isIP() && endpoint.port() == 0;
  if (isEphemeral && error == 0) {
    sockaddr_storage given{};
    socklen_t givenSize = sizeof given;
    auto* raw = reinterpret_cast<sockaddr*>(&given);
    if (::getsockname(socket, raw, &givenSize) == 0) endpoint = Endpoint(raw, givenSize);
  }
  if (!endpoint.isIP() || endpoint.port() == 0) return;  // or the system chooses it later
  const Call call{"bind", protocol, endpoint, error, isEphemeral, networkOf(socket), caller};
  const auto lease = isEphemeral ? Lease::None : leaseOf(endpoint.port());
  const CurrentTest test;
  if (!isRepeated(call, lease, test)) write(call, lease, test);
}

void recordConnect(int socket, const sockaddr* address, socklen_t size, const void* caller) {
  const char* protocol = protocolOf(socket);
  if (protocol == nullptr) return;
  const Endpoint endpoint(address, size);
  if (!endpoint.isIP() || !endpoint.isLoopback() || endpoint.port() == 0) return;
  const Call call{"connect", protocol, endpoint, 0, false, networkOf(socket), caller};
  const CurrentTest test;
  // Who leases the port costs more than the rest, and clients connect often.
  if (isRepeated(call, Lease::None, test)) return;
  write(call, leaseOf(endpoint.port()), test);
}

}  // namespace

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): there they are reserved
PORTPOOL_AUDIT_EXPORT int bind(int socket, const sockaddr* address, socklen_t size) noexcept {
  const int result = real().bind(socket, address, size);
  const KeepErrno keepErrno;
  const int error = result == 0 ? 0 : errno;
  if (error == 0 || error == EADDRINUSE) {
    recordBind(socket, address, size, error, __builtin_return_address(0));
  }
  return result;
}

/// Which binds within the C library, to a port below 1024 that it finds free: as to port 0.
PORTPOOL_AUDIT_EXPORT int bindresvport(int socket, sockaddr_in* address) noexcept {
  const int result = real().bindresvport(socket, address);
  const KeepErrno keepErrno;
  if (result == 0) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    recordBind(socket, reinterpret_cast<const sockaddr*>(&any), sizeof any, 0,
               __builtin_return_address(0));
  }
  return result;
}

PORTPOOL_AUDIT_EXPORT int connect(int socket, const sockaddr* address, socklen_t size) {
  const int result = real().connect(socket, address, size);
  const KeepErrno keepErrno;
  // A pointer that the system could not read is left alone.
  if (result == 0 || errno != EFAULT) {
    recordConnect(socket, address, size, __builtin_return_address(0));
  }
  return result;
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)

}  // namespace portpool::audit
