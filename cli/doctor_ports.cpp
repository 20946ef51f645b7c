// What `doctor` looks at: the ports.

#include "doctor.hpp"

#include "output.hpp"
#include "trial.hpp"

#include <portpool/portpool.hpp>

#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace portpool::cli {
namespace {

constexpr const char* kNarrowRange = "sysctl -w net.ipv4.ip_local_port_range=\"32768 60999\"";
constexpr std::uint16_t kLowest = 1024;  // of the ports that are not for the system's own servers

std::string setting(const std::string& name) {
  std::ifstream file("/proc/sys/net/ipv4/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Without a word on stderr: checkVariables has it.
PortSet serverPorts() {
  const StderrCapture capture;
  return getServerTCPPorts();
}
PortSet ephemeralPorts() {
  const StderrCapture capture;
  return {getEphemeralTCPPortRange()};
}

/// Those that the system gives to nobody by itself, though they be ephemeral.
PortSet reservedPorts() {
  return parsePortSet(setting("ip_local_reserved_ports"), "ip_local_reserved_ports");
}

PortSet portsFrom(std::uint16_t first) { return {{first, 65535}}; }

/// The command that unsets the variable of which the message speaks, or "".
std::string unsetVariableOf(const std::string& message) {
  std::string word;
  for (const char letter : message + ' ') {
    const auto c = static_cast<unsigned char>(letter);
    if (std::isupper(c) != 0 || std::isdigit(c) != 0 || c == '_') {
      word += letter;
      continue;
    }
    if (!word.empty() && std::getenv(word.c_str()) != nullptr) return "unset " + word;
    word.clear();
  }
  return "";
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
        "left out as ephemeral, by the kernel (/proc/sys/net/ipv4/ip_local_port_range)");
  } else {
    add(portsFrom(1) - serverPorts() - excludedTCPPorts(), "left out by " + variable);
  }
  add(excludedTCPPorts(), "left out because browsers refuse to open them (the Fetch standard)");
  add(reservedPorts(),
      "never given to outgoing connections (/proc/sys/net/ipv4/ip_local_reserved_ports); servers "
      "may use them");
  return findings;
}

/// The ports that an outgoing connection may take first.
void addExposed(const PortSet& ports, Findings& findings) {
  const auto exposed = (ports & ephemeralPorts()) - reservedPorts();
  if (exposed.empty()) return;
  findings.push_back(
      {"", Severity::Warning,
       counted(exposed.size(), "server port") + " of the ephemeral range, which an outgoing "
                                                "connection may take before a test's server does",
       "sysctl -w net.ipv4.ip_local_reserved_ports=" + (exposed | reservedPorts()).toString(),
       exposed.toString()});
}

/// The ports that this user may not bind.
void addForbidden(const PortSet& ports, Findings& findings) {
  const auto limit = std::strtoul(setting("ip_unprivileged_port_start").c_str(), nullptr, 10);
  if (::geteuid() == 0 || limit <= kLowest) return;
  const auto allowed =
      limit > 65535 ? PortSet() : ports & portsFrom(static_cast<std::uint16_t>(limit));
  const auto forbidden = ports - allowed;
  if (forbidden.empty()) return;
  findings.push_back({"", allowed.empty() ? Severity::Error : Severity::Warning,
                      counted(forbidden.size(), "server port") +
                          " that this user may not bind (net.ipv4.ip_unprivileged_port_start is " +
                          std::to_string(limit) + ")",
                      "sysctl -w net.ipv4.ip_unprivileged_port_start=1024", forbidden.toString()});
}

// ---- Who uses them ------------------------------------------------------------------------------

/// A program, or what is known of those that this user may not look at.
struct Program {
  int pid;
  std::string text;

  bool operator<(const Program& other) const {
    return std::tie(pid, text) < std::tie(other.pid, other.text);
  }
};

Program programOf(const PortUser& user) {
  const auto name = userName(user);
  return {user.pid, user.process() + (name.empty() ? "" : ", user " + name)};
}

std::string percentage(std::size_t part, std::size_t whole) {
  return std::to_string(part * 100 / whole) + " %";
}

}  // namespace

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
      findings.push_back({"", Severity::Error, line, unsetVariableOf(line)});
    } else if (line.rfind(kMark, 0) == 0) {  // and not what PORTPOOL_VERBOSE says
      findings.push_back({"", Severity::Warning, line.substr(kMark.size()), unsetVariableOf(line)});
    }
  }
  if (findings.empty()) findings.push_back({"", Severity::OK, "every PORTPOOL_ variable is valid"});
  return findings;
}

Findings checkEphemeralRange() {
  constexpr std::size_t kFew = 5000;
  const auto range = ephemeralPorts();
  const auto left = (portsFrom(kLowest) - range).size();
  Finding finding{"", Severity::OK, "what the system gives to outgoing connections", "",
                  range.toString()};
  if (left < kFew) {
    finding.text += ", which leaves " + counted(left, "port") + " for servers";
    finding.mend = kNarrowRange;
    if (serverTCPPortsVariable().empty()) finding.severity = Severity::Warning;
  }
  return {finding};
}

Findings checkServerPorts() {
  constexpr std::size_t kFew = 50;
  const auto ports = serverPorts();
  auto variable = serverTCPPortsVariable();
  if (variable.find("_FILE") != std::string::npos) {
    variable = std::string("the file ") + std::getenv(variable.c_str()) + " (" + variable + ")";
  }
  const auto source = variable.empty() ? "all that are not left out below" : "by " + variable;
  Finding all{"", Severity::OK, counted(ports.size(), "server port") + ", " + source, "",
              ports.toString()};
  if (ports.size() < kFew) {
    all.severity = Severity::Warning;
    all.text += "; tests that run side by side will wait for each other";
    all.mend = variable.empty() ? kNarrowRange : "export PORTPOOL_PORTS=20000-29999";
  }
  Findings findings{all};
  for (auto& exclusion : exclusions(variable)) findings.push_back(std::move(exclusion));
  addExposed(ports, findings);
  addForbidden(ports, findings);
  return findings;
}

Findings checkLeases() {
  const bool isByName = leaseKind() == LeaseKind::AbstractName;
  Findings findings{
      {"", Severity::OK,
       isByName ? "by abstract AF_UNIX names, which the system allows this process (`ss -xa` shows "
                  "them)"
                : "by locks in /tmp/portpool.lock, since the system refuses this process AF_UNIX "
                  "sockets"}};
  const auto leased = leasedPorts();
  std::set<Program> programs;
  for (const auto& user :
       usersOfPorts(leased, UserSearch::SocketsAndLeases).value_or(std::vector<PortUser>())) {
    if (user.use == PortUser::Use::Leases) programs.insert(programOf(user));
  }
  auto text = counted(leased.size(), "port") + " leased now";
  if (!programs.empty()) text += ", by " + counted(programs.size(), "program") + " (portpool list)";
  if (const auto others = countLeasesOfOtherNetworks(); others != 0) {
    text += "; in other networks " + std::to_string(others);
  }
  findings.push_back({"", Severity::OK, text, "", leased.toString()});
  return findings;
}

Findings checkPrograms() {
  constexpr std::size_t kOneOf = 20;  // server ports is many for one program
  const auto ports = serverPorts();
  const auto strange = ports - leasedPorts();  // tests' own servers are not counted
  const auto users = usersOfPorts(strange, UserSearch::Sockets);
  if (!users) {
    return {{"", Severity::Warning,
             "it is not known what uses the server ports, and leaks are not detected: the system "
             "shows no sockets",
             "mount -t proc proc /proc"}};
  }
  std::map<Program, PortSet> taken;
  PortSet lingering, all;
  for (const auto& user : *users) {
    if (user.use == PortUser::Use::Lingers) {
      lingering.insert(user.port);
    } else {
      taken[programOf(user)].insert(user.port);
      all.insert(user.port);
    }
  }
  Findings findings;
  for (const auto& [program, its] : taken) {
    if (its.size() * kOneOf <= ports.size()) continue;
    findings.push_back(
        {"", Severity::Warning,
         percentage(its.size(), ports.size()) + " of the server ports, in use by " + program.text,
         program.pid == 0 ? "sudo portpool doctor, to see it"
                          : "kill " + std::to_string(program.pid),
         its.toString()});
  }
  if (lingering.size() > ports.size() / 2) {
    findings.push_back({"", Severity::Warning,
                        percentage(lingering.size(), ports.size()) +
                            " of the server ports have connections in TIME_WAIT or the like; "
                            "servers on them must set SO_REUSEADDR",
                        "sleep 60", lingering.toString()});
  }
  const bool isFull = all == ports;
  if (findings.empty() || isFull) {
    findings.push_back({"", isFull ? Severity::Error : Severity::OK,
                        "in use by programs that do not lease them: " + std::to_string(all.size()) +
                            " of " + counted(ports.size(), "server port"),
                        isFull ? "export PORTPOOL_PORTS=20000-29999" : ""});
  }
  return findings;
}

}  // namespace portpool::cli
