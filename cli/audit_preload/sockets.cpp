// bind() and connect(): what the program would call, and a line of the log.

#include "lease.hpp"
#include "log.hpp"
#include "process.hpp"
#include "system.hpp"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <link.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace portpool::audit {
namespace {

/// An address of TCP/IP or UDP/IP. One of IPv4 that is mapped into IPv6 is that of IPv4.
class Endpoint {
 public:
  /// Is none, with the family 0, if it is of something else.
  Endpoint(const sockaddr* address, socklen_t size) {
    // Of another size the system has not read it.
    if (size < sizeof address->sa_family || size > sizeof(sockaddr_storage)) return;
    if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
      sockaddr_in ipv4{};
      std::memcpy(&ipv4, address, sizeof ipv4);
      set(AF_INET, &ipv4.sin_addr, ipv4.sin_port);
    } else if (address->sa_family == AF_INET6 && size >= kOldIPv6Size) {
      sockaddr_in6 ipv6{};
      std::memcpy(&ipv6, address, kOldIPv6Size);
      constexpr std::size_t kMappedAt = 12;
      if (IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr)) {
        set(AF_INET, ipv6.sin6_addr.s6_addr + kMappedAt, ipv6.sin6_port);
      } else {
        set(AF_INET6, &ipv6.sin6_addr, ipv6.sin6_port);
      }
    }
  }

  bool isIP() const { return family_ != 0; }
  std::uint16_t port() const { return port_; }
  const char* text() const { return text_; }

  /// Whether a connection to it stays on this machine: those to no address do, too.
  bool isLoopback() const {
    if (family_ == AF_INET) return std::strncmp(text_, "127.", 4) == 0 || isEqual("0.0.0.0");
    return isEqual("::1") || isEqual("::");
  }

 private:
  static constexpr socklen_t kOldIPv6Size = 24;  // without a scope, which the system accepts

  void set(int family, const void* bytes, in_port_t port) {
    family_ = family;
    port_ = ntohs(port);
    ::inet_ntop(family, bytes, text_, sizeof text_);
  }
  bool isEqual(const char* text) const { return std::strcmp(text_, text) == 0; }

  int family_ = 0;
  std::uint16_t port_ = 0;
  char text_[INET6_ADDRSTRLEN]{};
};

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
  const char* kind = nullptr;
  const char* protocol = nullptr;
  Endpoint endpoint;
  int error = 0;
  bool isEphemeral = false;
  std::uint64_t network = 0;
  const void* caller = nullptr;
};

/// Whether the last call of this kind on the port was the same: of the same test and process, from
/// the same place. What programs do in a loop has one line.
bool isRepeated(const Call& call, bool isLeased) {
  // A sum of what else tells calls apart stands for it, by FNV-1a.
  std::uint64_t sum = 0xcbf29ce484222325;
  const auto mix = [&](std::uint64_t value) { sum = (sum ^ value) * 0x100000001b3; };
  const auto mixText = [&](const char* text) {
    for (; *text != '\0'; ++text) mix(static_cast<unsigned char>(*text));
  };
  mixText(call.protocol);
  mixText(call.endpoint.text());
  mixText(currentTest());
  mix(static_cast<std::uint64_t>(::getpid()));
  mix(call.network);
  mix(reinterpret_cast<std::uintptr_t>(call.caller));
  mix(static_cast<std::uint64_t>(call.error));
  mix(isLeased ? 1 : 0);
  static std::atomic<std::uint32_t> lastBinds[65536], lastConnects[65536];  // of each port
  auto& last = (*call.kind == 'b' ? lastBinds : lastConnects)[call.endpoint.port()];
  const auto own = static_cast<std::uint32_t>(sum >> 32) | 1U;
  return last.exchange(own, std::memory_order_relaxed) == own;
}

void write(const Call& call, bool isLeased) {
  Line line;
  line.add(call.kind).add(call.protocol).add(call.endpoint.port()).add(call.endpoint.text());
  line.add(static_cast<std::uint64_t>(call.error)).add(isLeased ? 1 : 0);
  line.add(call.isEphemeral ? 1 : 0).add(call.network).add(static_cast<std::uint64_t>(::getpid()));
  line.add(program()).add(command()).add(currentTest());
  Dl_info symbol{};
  link_map* file = nullptr;
  void* extra = nullptr;
  if (::dladdr1(call.caller, &symbol, &extra, RTLD_DL_LINKMAP) != 0) {
    file = static_cast<link_map*>(extra);
    line.add(*file->l_name == '\0' ? program() : file->l_name);
    line.add(reinterpret_cast<std::uintptr_t>(call.caller) - file->l_addr);
    line.add(symbol.dli_sname == nullptr ? "" : symbol.dli_sname);
  }
  line.write();
}

void recordBind(int socket, const sockaddr* address, socklen_t size, int error,
                const void* caller) {
  const char* protocol = protocolOf(socket);
  if (protocol == nullptr) return;
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
  const bool hasLease = !isEphemeral && isLeased(endpoint.port(), call.network);
  if (!isRepeated(call, hasLease)) write(call, hasLease);
}

void recordConnect(int socket, const sockaddr* address, socklen_t size, const void* caller) {
  const char* protocol = protocolOf(socket);
  if (protocol == nullptr) return;
  const Endpoint endpoint(address, size);
  if (!endpoint.isIP() || !endpoint.isLoopback() || endpoint.port() == 0) return;
  const Call call{"connect", protocol, endpoint, 0, false, networkOf(socket), caller};
  // Whether the port is leased costs more than the rest, and clients connect often.
  if (!isRepeated(call, false)) write(call, isLeased(endpoint.port(), call.network));
}

Real<int(int, const sockaddr*, socklen_t)> realBind("bind");
Real<int(int, const sockaddr*, socklen_t)> realConnect("connect");

}  // namespace

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): there they are reserved
PORTPOOL_AUDIT_EXPORT int bind(int socket, const sockaddr* address, socklen_t size) noexcept {
  const int result = realBind.get()(socket, address, size);
  const KeepErrno keepErrno;
  const int error = result == 0 ? 0 : errno;
  if (error == 0 || error == EADDRINUSE) {
    recordBind(socket, address, size, error, __builtin_return_address(0));
  }
  return result;
}

PORTPOOL_AUDIT_EXPORT int connect(int socket, const sockaddr* address, socklen_t size) {
  const int result = realConnect.get()(socket, address, size);
  const KeepErrno keepErrno;
  // A pointer that the system could not read is left alone.
  if (result == 0 || errno != EFAULT) {
    recordConnect(socket, address, size, __builtin_return_address(0));
  }
  return result;
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)

}  // namespace portpool::audit
