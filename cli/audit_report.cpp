#include "audit_report.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace portpool::cli {
namespace {

using Port = std::pair<std::string, std::uint16_t>;  // protocol and number
using Kind = PortUse::Kind;

/// Whether what is bound to `wide` has `address`, too.
bool covers(const std::string& wide, const std::string& address) {
  const bool isIPv4 = address.find(':') == std::string::npos;
  return wide == address || wide == "::" || (wide == "0.0.0.0" && isIPv4);
}

/// Whether of two sockets on one port, bound to these addresses, one keeps off the other.
bool meet(const std::string& first, const std::string& second) {
  return covers(first, second) || covers(second, first);
}

using Process = PortUse::Process;

/// The processes that use a port in one network, by address.
using Processes = std::map<std::string, std::set<Process>>;

std::size_t countAll(const Processes& processes) {
  std::set<Process> all;
  for (const auto& [address, some] : processes) all.insert(some.begin(), some.end());
  return all.size();
}

/// How many of the processes have an address at which they meet another.
std::size_t countColliding(const Processes& processes) {
  std::set<Process> colliding;
  for (const auto& [address, some] : processes) {
    std::set<Process> meeting;
    for (const auto& [other, others] : processes) {
      if (meet(address, other)) meeting.insert(others.begin(), others.end());
    }
    if (meeting.size() > 1) colliding.insert(some.begin(), some.end());
  }
  return colliding.size();
}

std::string countedProcesses(std::size_t count) {
  return std::to_string(count) + ' ' + (count == 1 ? "process" : "processes");
}

class Judge {
 public:
  Judge(std::uint16_t port, PortRange ephemeral)
      : isEphemeral_(ephemeral.first <= port && port <= ephemeral.last), ephemeral_(ephemeral) {}

  /// Adds a bind that is at fault.
  void add(const PortUse& use) {
    if (use.isInUse) failed_.insert({use.network, use.process});
    if (use.isLeased()) {
      isLeased_ = true;
      return;
    }
    networks_[use.network][use.address].insert(use.process);
    tests_.insert(use.test);
  }

  void judge(UnleasedPort& finding) const {
    std::size_t processes = 0, colliding = 0;
    for (const auto& [network, users] : networks_) {
      processes += countAll(users);
      colliding += countColliding(users);
    }
    finding.processes = processes;
    finding.fault = Fault::Fixed;
    const auto add = [&](Fault fault, const std::string& why) {
      finding.fault = std::min(finding.fault, fault);
      finding.why += (finding.why.empty() ? "" : "; ") + why;
    };
    if (!failed_.empty()) {
      add(Fault::InUse, "failed: address in use, in " + countedProcesses(failed_.size()));
    }
    if (isLeased_) finding.why += " while it was leased";
    if (networks_.empty()) {
      finding.processes = failed_.size();
      return;
    }
    const bool isOfOneTest = tests_.size() == 1 && !tests_.begin()->empty();
    if (colliding > 0 && !isOfOneTest) {
      add(Fault::Collides,
          "bound by " + std::to_string(colliding) + " processes: these collide under -j");
    } else {
      add(Fault::Fixed, "fixed, bound by " + countedProcesses(processes) +
                            (colliding > 0 ? " of one test" : "") +
                            (networks_.size() > 1 ? ", none beside another" : ""));
    }
    if (networks_.size() > 1)
      finding.why += ", in " + std::to_string(networks_.size()) + " networks";
    if (isEphemeral_) {
      add(Fault::Ephemeral,
          "in the ephemeral range " + PortSet{ephemeral_}.toString() + ": fails by chance");
    }
  }

 private:
  bool isEphemeral_;
  PortRange ephemeral_;
  std::map<std::uint64_t, Processes> networks_;
  std::set<std::pair<std::uint64_t, Process>> failed_;
  bool isLeased_ = false;
  std::set<std::string> tests_;
};

UnleasedPort findingOf(const Port& port, const std::vector<const PortUse*>& uses,
                       PortRange ephemeral) {
  UnleasedPort finding;
  std::tie(finding.protocol, finding.port) = port;
  Judge judge(port.second, ephemeral);
  std::set<std::pair<std::uint64_t, Process>> clients;
  for (const auto* use : uses) {
    if (use->kind == Kind::Bind && use->isAtFault()) judge.add(*use);
    if (use->kind == Kind::Connect) clients.insert({use->network, use->process});
  }
  finding.uses = uses;
  const auto isBind = [](const PortUse* use) { return use->kind == Kind::Bind; };
  if (std::any_of(uses.begin(), uses.end(), isBind)) {
    judge.judge(finding);
  } else {
    finding.processes = clients.size();
    finding.why = "connected to only, by " + countedProcesses(clients.size());
  }
  return finding;
}

}  // namespace

AuditReport makeReport(const AuditLog& log, PortRange ephemeral) {
  // A connection to a port that something bound in its network says nothing more, though the server
  // may have ended by then.
  std::set<std::pair<std::uint64_t, Port>> bound, failed;
  std::set<Port> leased;
  for (const auto& use : log.uses) {
    const Port port{use.protocol, use.port};
    if ((use.kind == Kind::Bind && !use.isInUse) || use.isLeased()) {
      bound.insert({use.network, port});
    }
    if (use.kind == Kind::Bind && use.isLeased() && !use.isInUse) leased.insert(port);
    if (use.isInUse && use.isAtFault()) failed.insert({use.network, port});
  }
  std::map<Port, std::vector<const PortUse*>> found;
  for (const auto& use : log.uses) {
    const Port port{use.protocol, use.port};
    // Of those that met one is to blame, and a lease does not tell which.
    const bool isPartOf = use.kind == Kind::Bind && failed.count({use.network, port}) > 0 &&
                          use.isLeased() && !use.isInUse;
    const bool isAlone = use.kind == Kind::Bind || bound.count({use.network, port}) == 0;
    if (isPartOf || (use.isAtFault() && isAlone)) found[port].push_back(&use);
  }
  AuditReport report;
  for (const auto& [port, uses] : found) {
    report.findings.push_back(findingOf(port, uses, ephemeral));
    leased.erase(port);
  }
  report.leased = leased.size();
  std::stable_sort(report.findings.begin(), report.findings.end(),
                   [](const UnleasedPort& one, const UnleasedPort& other) {
                     return std::make_pair(one.fault, other.processes) <
                            std::make_pair(other.fault, one.processes);
                   });
  return report;
}

}  // namespace portpool::cli
