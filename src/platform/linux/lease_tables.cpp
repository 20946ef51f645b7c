// Which ports are leased, by the kernel's tables.

#include "lease_tables.hpp"

#include "../posix/sockets.hpp"
#include "lease_name.hpp"
#include "platform/files.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>

#include <array>
#include <charconv>
#include <cstring>
#include <sstream>

namespace portpool::platform {

namespace {

/// The port for which the name in the table stands, or 0. A path may hold the same text.
std::uint16_t portOf(const std::string& name) {
  constexpr std::size_t kStart = 1 + kAbstractNamePrefix.size();
  std::uint16_t port = 0;
  if (name.size() > kStart) std::from_chars(&name[kStart], name.data() + name.size(), port);
  return name == std::string("@").append(LeaseName(port).text()) ? port : 0;
}

}  // namespace

std::optional<std::vector<NamedLease>> namedLeases(const std::string& table) {
  std::vector<NamedLease> leases;
  std::string text;
  if (readFile(table, text) != 0) return std::nullopt;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(kAbstractNamePrefix) == std::string::npos) continue;
    std::istringstream words(line);
    std::string number, references, protocol, flags, type, state, name;
    unsigned long inode = 0;
    words >> number >> references >> protocol >> flags >> type >> state >> inode;
    words.ignore();
    std::getline(words, name);
    if (const auto port = portOf(name); port != 0) leases.push_back({port, inode});
  }
  return leases;
}

std::optional<unsigned> ownerOf(unsigned long inode) {
  struct {
    nlmsghdr header;
    unix_diag_req request;
  } query{};
  query.header.nlmsg_len = sizeof query;
  query.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  query.header.nlmsg_flags = NLM_F_REQUEST;
  query.request.sdiag_family = AF_UNIX;
  query.request.udiag_states = ~0U;
  query.request.udiag_ino = static_cast<__u32>(inode);
  query.request.udiag_show = UDIAG_SHOW_UID;
  query.request.udiag_cookie[0] = query.request.udiag_cookie[1] = ~0U;  // whatever it is
  const Socket socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!socket || ::send(socket.get(), &query, sizeof query, 0) != sizeof query) return std::nullopt;
  alignas(nlmsghdr) std::array<char, 4096> buffer{};
  const auto size = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
  const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
  if (size < ssize_t{NLMSG_LENGTH(sizeof(unix_diag_msg))} ||
      header->nlmsg_type != SOCK_DIAG_BY_FAMILY) {
    return std::nullopt;
  }
  constexpr std::size_t kAttributes = NLMSG_SPACE(sizeof(unix_diag_msg));
  const auto end = std::min(static_cast<std::size_t>(size), std::size_t{header->nlmsg_len});
  for (auto place = kAttributes; place + sizeof(rtattr) <= end;) {
    rtattr attribute{};
    std::memcpy(&attribute, &buffer[place], sizeof attribute);
    unsigned user = 0;
    if (attribute.rta_type == UNIX_DIAG_UID && place + RTA_LENGTH(sizeof user) <= end) {
      std::memcpy(&user, &buffer[place + RTA_LENGTH(0)], sizeof user);
      return user;
    }
    if (attribute.rta_len < sizeof attribute) break;
    place += RTA_ALIGN(attribute.rta_len);
  }
  return std::nullopt;
}

}  // namespace portpool::platform
