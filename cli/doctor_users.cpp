// What `doctor` looks at: who has the ports.

#include "doctor.hpp"

#include "output.hpp"

#include <portpool/portpool.hpp>

#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace portpool::cli {
namespace {

/// A program, or what is known of those that this user may not look at.
struct Program {
  int pid;
  std::string text;

  bool operator<(const Program& other) const {
    return std::tie(pid, text) < std::tie(other.pid, other.text);
  }
};

Program programBehind(const PortUser& user) {
  const auto name = userName(user);
  if (user.pid == 0) return {0, unseenProcess() + (name.empty() ? "" : " (it is " + name + "'s)")};
  return {user.pid, user.process() + (name.empty() ? "" : ", user " + name)};
}

std::string percentage(std::size_t part, std::size_t whole) {
  return std::to_string(part * 100 / whole) + " %";
}

}  // namespace

Findings checkLeases() {
  const PortPool pool(PortSet{{1024, 65535}});  // throws if the system refuses this process leases
  Findings findings{{"", Severity::OK,
                     "by abstract AF_UNIX names, which the system allows this process (`ss -xa` "
                     "shows them)"}};
  const auto leased = leasedPorts();
  if (!leased) {
    findings.push_back({"", Severity::Error,
                        "which ports are leased is not known: the system does not show this "
                        "process /proc/net/unix",
                        kMountProc});
    return findings;
  }
  std::set<Program> programs;
  for (const auto& user :
       usersOfPorts(*leased, UserSearch::SocketsAndLeases).value_or(std::vector<PortUser>())) {
    if (user.use == PortUser::Use::Leases) programs.insert(programBehind(user));
  }
  auto text = counted(leased->size(), "port") + " leased now";
  if (!programs.empty()) text += ", by " + counted(programs.size(), "program") + " (portpool list)";
  if (const auto others = countLeasesOfOtherNetworks(); others != 0) {
    text += "; in other networks " + std::to_string(others);
  }
  findings.push_back({"", Severity::OK, text, "", leased->toString()});
  return findings;
}

Findings checkPrograms() {
  constexpr std::size_t kOneOf = 20;  // server ports is many for one program
  const auto ports = serverPorts();
  const auto leased = leasedPorts();
  const auto strange = ports - leased.value_or(PortSet());  // tests' own servers are not counted
  const auto users = usersOfPorts(strange, UserSearch::Sockets);
  if (!users || !leased) {
    return {{"", Severity::Warning,
             "what uses the server ports is not known, nor is it told when a test leaks one: the "
             "system shows no sockets or leases",
             kMountProc}};
  }
  std::map<Program, PortSet> taken;
  PortSet lingering, all;
  for (const auto& user : *users) {
    if (user.use == PortUser::Use::Lingers) {
      lingering.insert(user.port);
    } else {
      taken[programBehind(user)].insert(user.port);
      all.insert(user.port);
    }
  }
  Findings findings;
  for (const auto& [program, its] : taken) {
    if (its.size() * kOneOf <= ports.size()) continue;
    findings.push_back(
        {"", Severity::Warning,
         percentage(its.size(), ports.size()) + " of the server ports, in use by " + program.text,
         program.pid == 0 ? "" : "kill " + std::to_string(program.pid), its.toString()});
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
    Finding used{"", isFull ? Severity::Error : Severity::OK,
                 "in use by programs that do not lease them: " + std::to_string(all.size()) +
                     " of " + counted(ports.size(), "server port")};
    if (isFull) adviseOtherPorts(used, kManyPorts);
    findings.push_back(std::move(used));
  }
  return findings;
}

}  // namespace portpool::cli
