// What `doctor` looks at: the ports.

#include "doctor.hpp"

#include "descriptor.hpp"
#include "output.hpp"
#include "trial.hpp"

#include <portpool/portpool.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

namespace portpool::cli {
namespace {

constexpr const char* kNarrowRange = "sysctl -w net.ipv4.ip_local_port_range=\"32768 60999\"";
constexpr std::uint16_t kLowest = 1024;  // of the ports that are not for the system's own servers
constexpr std::size_t kFewServerPorts = 50;

std::string networkSetting(const std::string& name) {
  std::ifstream file("/proc/sys/net/ipv4/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Without a word on stderr: checkVariables has it.
PortSet ephemeralPorts() {
  const StderrCapture capture;
  return {getEphemeralTCPPortRange()};
}

/// The ports that the system never chooses by itself, even if they are in the ephemeral range.
PortSet reservedPorts() {
  auto text = networkSetting("ip_local_reserved_ports");  // ascending
  const auto begins = [&](std::string_view with) { return text.rfind(with, 0) == 0; };
  // Port 0, which the kernel takes there, is no port.
  if (begins("0-")) {
    text.front() = '1';
  } else if (begins("0,") || begins("0\n")) {
    text.erase(0, 2);
  }
  return parsePortSet(text, "ip_local_reserved_ports");
}

PortSet portsFrom(std::uint16_t first) { return {{first, 65535}}; }

bool isRead(std::string_view variable) {
  for (const std::string_view prefix : {"PORTPOOL_", "PYSYS_"}) {
    if (variable.substr(0, prefix.size()) == prefix) return true;
  }
  return false;
}

/// The variable of which the message speaks, or "".
std::string variableIn(const std::string& message) {
  std::string word;
  for (const char letter : message + ' ') {
    const auto c = static_cast<unsigned char>(letter);
    if (std::isupper(c) != 0 || std::isdigit(c) != 0 || c == '_') {
      word += letter;
      continue;
    }
    if (isRead(word) && std::getenv(word.c_str()) != nullptr) return word;
    word.clear();
  }
  return "";
}

/// The command that fixes the variable of which the message speaks, or "".
std::string fixVariableOf(const std::string& message) {
  const auto variable = variableIn(message);
  return variable.empty() ? "" : "unset " + variable;
}

// ---- Server ports -------------------------------------------------------------------------------

/// Why the other ports are no server ports.
Findings exclusions(const std::string& variable) {
  Findings findings;
  const auto add = [&](const PortSet& ports, const std::string& why) {
    if (!ports.empty()) findings.push_back({"", Severity::OK, why, "", ports.toString()});
  };
  if (variable.empty()) {
    add(ephemeralPorts(),
        isProcMounted()
            ? "left out as ephemeral, by the kernel (/proc/sys/net/ipv4/ip_local_port_range)"
            : "left out as ephemeral, by IANA");
  } else {
    add(portsFrom(1) - serverPorts() - excludedTCPPorts(), "left out by " + variable);
  }
  add(excludedTCPPorts(), "left out because browsers refuse to open them (the Fetch standard)");
  add(reservedPorts(),
      "never given to outgoing connections (/proc/sys/net/ipv4/ip_local_reserved_ports); servers "
      "may use them");
  return findings;
}

/// The ports, and so many between them as it takes for a text that the kernel takes at once.
PortSet reservable(const PortSet& ports) {
  constexpr std::size_t kLongest = 4094;  // a page, less a line end and a NUL
  auto covered = ports;
  for (int gap = 1; covered.toString().size() > kLongest; gap *= 2) {
    const auto ranges = covered.ranges();
    for (std::size_t i = 1; i < ranges.size(); ++i) {
      const auto end = ranges[i - 1].last, begin = ranges[i].first;
      if (begin - end - 1 <= gap) covered.insert({end, begin});
    }
  }
  return covered;
}

/// Advises what keeps outgoing connections from the exposed ones of the ports.
void adviseToKeepApart(const PortSet& ports, const PortSet& exposed, Finding& finding) {
  constexpr std::size_t kFewestEphemeral = 4096;  // that outgoing connections can do with
  const auto ephemeral = ephemeralPorts();
  const auto reserved = reservable(exposed | reservedPorts());
  if ((ephemeral - reserved).size() >= kFewestEphemeral) {
    finding.fix = "sysctl -w net.ipv4.ip_local_reserved_ports=" + reserved.toString();
    return;
  }
  for (const auto& others : {ports - ephemeral, portsFrom(kLowest) - ephemeral}) {
    if (others.size() >= kFewServerPorts) return adviseOtherPorts(finding, others.toString());
  }
  finding.fix = kNarrowRange;
}

/// The ports that an outgoing connection may take first.
void addExposed(const PortSet& ports, Findings& findings) {
  const auto exposed = (ports & ephemeralPorts()) - reservedPorts();
  if (exposed.empty()) return;
  Finding finding{"", Severity::Warning,
                  counted(exposed.size(), "server port") +
                      " of the ephemeral range, which an outgoing connection may take before a "
                      "test's server does",
                  "", exposed.toString()};
  adviseToKeepApart(ports, exposed, finding);
  findings.push_back(std::move(finding));
}

/// The ports that this process may not bind. None of them is taken for it, not even for a moment:
/// the kernel looks at the right to a port before it sees that the socket has another already.
PortSet forbiddenPorts(const PortSet& ports) {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  const auto bind = [&](std::uint16_t port) {
    address.sin_port = htons(port);
    return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  };
  const auto isRefused = [] { return errno == EACCES || errno == EPERM; };
  if (!bind(0)) {
    if (isRefused()) return ports;
    throw std::system_error(errno, std::generic_category(), "bind");
  }
  PortSet forbidden;
  for (const auto port : ports) {
    if (!bind(port) && isRefused()) forbidden.insert(port);
  }
  return forbidden;
}

void addForbidden(const PortSet& ports, Findings& findings) {
  const auto forbidden = forbiddenPorts(ports);
  const auto severity = forbidden == ports ? Severity::Error : Severity::Warning;
  const auto add = [&](const PortSet& some, const std::string& why, const std::string& fix) {
    if (some.empty()) return;
    findings.push_back(
        {"", severity,
         counted(some.size(), "server port") + " that this user may not bind (" + why + ')', fix,
         some.toString()});
  };
  const auto limit =
      std::strtoul(networkSetting("ip_unprivileged_port_start").c_str(), nullptr, 10);
  const auto low = limit > 65535
                       ? forbidden
                       : forbidden - portsFrom(static_cast<std::uint16_t>(std::max(limit, 1UL)));
  add(low, "net.ipv4.ip_unprivileged_port_start is " + std::to_string(limit),
      "sysctl -w net.ipv4.ip_unprivileged_port_start=" + std::to_string(*ports.begin()));
  add(forbidden - low, "a sandbox or a security module forbids it", "");
}

}  // namespace

PortSet serverPorts() {
  const StderrCapture capture;
  return getServerTCPPorts();
}

void adviseOtherPorts(Finding& finding, const std::string& such) {
  const auto variable = serverTCPPortsVariable();
  if (variable.rfind("CTEST_", 0) == 0) {  // whatever PORTPOOL_PORTS says
    finding.text +=
        "; name other ports, such as " + such +
        ", in the resource specification file of CTest, which gives this test its ports";
  } else {
    finding.fix = "export PORTPOOL_PORTS=" + such;
  }
}

Findings checkVariables() {
  const auto trial = tryInChild([] {
    ::unsetenv("PORTPOOL_ISOLATE");  // for checkNamespaces
    PortPool::process();
  });
  Findings findings;
  for (const auto& line : trial.lines) {
    const bool isFault = !trial.hasSucceeded && &line == &trial.lines.back();
    constexpr std::string_view kMark = "warning: ";
    if (isFault) {
      findings.push_back({"", Severity::Error, line, fixVariableOf(line)});
    } else if (line.rfind(kMark, 0) == 0) {  // and not what PORTPOOL_VERBOSE says
      findings.push_back({"", Severity::Warning, line.substr(kMark.size()), fixVariableOf(line)});
    }
  }
  if (findings.empty()) findings.push_back({"", Severity::OK, "every PORTPOOL_ variable is valid"});
  return findings;
}

Findings checkEphemeralRange() {
  constexpr std::size_t kFew = 5000;
  const auto range = ephemeralPorts();
  if (!isProcMounted()) {
    return {{"", Severity::Warning,
             "taken for what the system gives to outgoing connections, which is not known",
             kMountProc, range.toString()}};
  }
  const auto left = (portsFrom(kLowest) - range).size();
  Finding finding{"", Severity::OK, "what the system gives to outgoing connections", "",
                  range.toString()};
  if (left < kFew) {
    finding.text += ", which leaves " + counted(left, "port") + " for servers";
    finding.fix = kNarrowRange;
    if (serverTCPPortsVariable().empty()) finding.severity = Severity::Warning;
  }
  return {finding};
}

Findings checkServerPorts() {
  const auto ports = serverPorts();
  auto variable = serverTCPPortsVariable();
  if (variable.find("_FILE") != std::string::npos) {
    variable = std::string("the file ") + std::getenv(variable.c_str()) + " (" + variable + ")";
  }
  const auto source = variable.empty() ? "all that are not left out below" : "by " + variable;
  Finding all{"", Severity::OK, counted(ports.size(), "server port") + ", " + source, "",
              ports.toString()};
  if (ports.size() < kFewServerPorts) {
    all.severity = Severity::Warning;
    all.text += "; tests that run side by side will wait for each other";
    if (variable.empty()) {
      all.fix = kNarrowRange;
    } else {
      adviseOtherPorts(all, kManyPorts);
    }
  }
  Findings findings{all};
  for (auto& exclusion : exclusions(variable)) findings.push_back(std::move(exclusion));
  addExposed(ports, findings);
  addForbidden(ports, findings);
  return findings;
}

}  // namespace portpool::cli
