// The kernel's tables of sockets, with those that no process has open any more.

#include "pcb_records.hpp"
#include "platform/port_users.hpp"
#include "platform/system_error.hpp"

#include <netinet/in.h>
#include <sys/proc_info.h>
#include <sys/sysctl.h>
#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace portpool::platform {
namespace {

/// The contents of that table, or nothing if the system does not show it.
std::optional<std::string> readTable(const char* name) {
  constexpr int kMostTries = 5;
  for (int i = 0; i < kMostTries; ++i) {
    std::size_t size = 0;
    if (::sysctlbyname(name, nullptr, &size, nullptr, 0) != 0) return std::nullopt;
    std::string table(size + size / 8, '\0');  // it may grow meanwhile
    size = table.size();
    if (::sysctlbyname(name, table.data(), &size, nullptr, 0) == 0) {
      table.resize(size);
      return table;
    }
    if (errno != ENOMEM) return std::nullopt;
  }
  return std::nullopt;
}

/// A record of the table, of which the beginning is left out that TCP's alone have.
class Record {
 public:
  Record(const char* begin, Transport transport) : begin_(begin), transport_(transport) {}

  /// Whether the record has the known layout: another version of the system may have another one.
  bool isKnown() const {
    const auto protocol = internet<std::int32_t>(pcb::kSocketProtocol);
    return protocol == (transport_ == Transport::TCP ? IPPROTO_TCP : IPPROTO_UDP);
  }

  std::uint16_t port() const { return ntohs(internet<std::uint16_t>(pcb::kLocalPort)); }

  SocketAddress address() const {
    constexpr std::size_t kIPv4Place = 12;
    auto bytes = internet<std::array<std::uint8_t, 16>>(pcb::kLocalAddress);
    SocketAddress address;
    // A socket for both families that is bound to every address has both versions.
    const auto versions = internet<std::uint8_t>(pcb::kVersions);
    if (versions == pcb::kIPv4) {
      std::copy(bytes.begin() + kIPv4Place, bytes.end(), address.host.begin());
      return address;
    }
    address.family = AddressFamily::IPv6;
    if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) {
      // The kernel keeps the interface of a link-local address within it.
      address.scope = static_cast<std::uint32_t>(bytes[2] << 8 | bytes[3]);
      bytes[2] = bytes[3] = 0;
    }
    address.host = bytes;
    return address;
  }

  bool isOpen() const {
    return (internet<std::uint16_t>(pcb::kSocketState) & pcb::kNoDescriptor) == 0;
  }

  PortSocket::State state() const {
    if (transport_ == Transport::UDP) return PortSocket::State::Listening;
    const auto state = field<std::int32_t>(pcb::kTCPState);
    if (state == TSI_S_LISTEN) return PortSocket::State::Listening;
    if (!isOpen()) return PortSocket::State::Lingering;
    return state == TSI_S_CLOSED ? PortSocket::State::Bound : PortSocket::State::Connected;
  }

  PortSocket socket() const {
    const auto handle = static_cast<unsigned long>(internet<std::uint64_t>(pcb::kSocketHandle));
    return {port(),
            address(),
            state(),
            std::chrono::milliseconds::zero(),
            isOpen() ? std::max(handle, 1UL) : 0,
            internet<std::uint32_t>(pcb::kSocketUser)};
  }

  static std::size_t sizeFor(Transport transport) {
    return transport == Transport::TCP ? pcb::kTCPState + sizeof(std::int32_t) : pcb::kInternetSize;
  }

 private:
  template <class Value>
  Value field(std::size_t place) const {
    Value value{};
    std::memcpy(&value, begin_ + place, sizeof value);
    return value;
  }

  template <class Value>
  Value internet(std::size_t place) const {
    return field<Value>(place + (transport_ == Transport::TCP ? pcb::kInTCP : 0));
  }

  const char* begin_;
  Transport transport_;
};

}  // namespace

std::optional<std::vector<PortSocket>> socketsOn(const PortSet& ports, Transport transport) {
  std::vector<PortSocket> found;
  if (ports.empty()) return found;
  const auto table =
      readTable(transport == Transport::TCP ? "net.inet.tcp.pcblist64" : "net.inet.udp.pcblist64");
  if (!table) return std::nullopt;
  // A xinpgen comes before the records and after them.
  const auto sizeAt = [&](std::size_t place) {
    std::uint32_t size = 0;
    if (table->size() - place >= sizeof size) std::memcpy(&size, &(*table)[place], sizeof size);
    return std::size_t{size};
  };
  if (table->empty() || sizeAt(0) == 0) return found;
  for (std::size_t place = std::min(sizeAt(0), table->size()); place < table->size();) {
    const auto size = sizeAt(place);
    if (size < Record::sizeFor(transport)) break;  // the last
    if (size > table->size() - place) return std::nullopt;
    const Record record(&(*table)[place], transport);
    place += size;
    if (record.port() == 0 || !ports.contains(record.port())) continue;
    if (!record.isKnown()) return std::nullopt;
    found.push_back(record.socket());
  }
  return found;
}

}  // namespace portpool::platform
