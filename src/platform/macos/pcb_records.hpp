#pragma once

// The records of sysctl net.inet.tcp.pcblist64 and net.inet.udp.pcblist64: xinpgen, xtcpcb64 and
// xinpcb64 of XNU's netinet/in_pcb.h, netinet/tcp_var.h and sys/socketvar.h, which are not among
// the headers that every compiler for macOS has. They are packed to 4 bytes, and each begins with
// its length. Here are the places of the fields that are read.

#include <cstddef>

namespace portpool::platform::pcb {

constexpr std::size_t kInTCP = 4;  // where the xinpcb64 begins in a xtcpcb64

// In a xinpcb64.
constexpr std::size_t kLocalPort = 18;      // as on the network
constexpr std::size_t kVersions = 92;       // 1 for IPv4, 2 for IPv6, and both
constexpr std::size_t kLocalAddress = 112;  // 16 bytes, in the last four of which one of IPv4 is
constexpr std::size_t kSocket = 144;        // a xsocket64
constexpr std::size_t kInternetSize = 260;

// In a xsocket64.
constexpr std::size_t kSocketHandle = kSocket + 4;
constexpr std::size_t kSocketState = kSocket + 18;
constexpr std::size_t kSocketProtocol = kSocket + 28;
constexpr std::size_t kSocketUser = kSocket + 104;

// In a xtcpcb64.
constexpr std::size_t kTCPState = 292;

constexpr unsigned kNoDescriptor = 1;  // SS_NOFDREF of the socket's state
constexpr unsigned kIPv4 = 1;          // INP_IPV4

}  // namespace portpool::platform::pcb
