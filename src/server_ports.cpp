#include <portpool/server_ports.hpp>

#include "environment.hpp"
#include "platform/environment.hpp"
#include "platform/ephemeral_range.hpp"
#include "platform/files.hpp"
#include "platform/fork.hpp"

#include <portpool/errors.hpp>

#include <algorithm>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace portpool {
namespace {

constexpr PortRange kIanaEphemeralRange{49152, 65535};  // RFC 6335, section 6
constexpr std::size_t kFewestPorts = 50;

/// The variables in which CTest hands ports to this test, if it does: of each of the test's
/// resource groups that has some, with the ids and the slots that the test may use, as in
/// "id:20000,slots:1;id:20010_20019,slots:2".
std::vector<std::string> ctestVariables() {
  std::vector<std::string> variables;
  const auto count = environmentNumber("CTEST_RESOURCE_GROUP_COUNT", 65535).value_or(0);
  for (std::uint64_t group = 0; group < count; ++group) {
    auto variable = "CTEST_RESOURCE_GROUP_" + std::to_string(group) + "_PORTS";
    if (platform::variable(variable.c_str())) variables.push_back(std::move(variable));
  }
  return variables;
}

PortSet ctestPorts(const std::vector<std::string>& variables) {
  constexpr std::string_view kId = "id:";
  PortSet ports;
  for (const auto& variable : variables) {
    const auto source =
        variable +
        " (from ids like 20000 or 20000_20009 of the resource type \"ports\" in CTest's "
        "resource specification file)";
    std::istringstream allocations(platform::variable(variable.c_str()).value_or(""));
    for (std::string allocation; std::getline(allocations, allocation, ';');) {
      const auto isId = allocation.compare(0, kId.size(), kId) == 0;
      auto id = allocation.substr(isId ? kId.size() : 0, allocation.find(',') - kId.size());
      std::replace(id.begin(), id.end(), '_', '-');  // CTest allows no other punctuation
      ports |= parsePortSet(id, source);
    }
  }
  return ports;
}

/// The text of the file of ports that `variable` names. `source` names both in errors.
std::string readPortsFile(const std::string& path, const std::string& source) {
  constexpr std::size_t kLargest = std::size_t{1} << 20;
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  const auto reject = [&](const std::string& complaint) {
    throw PortSpecificationError(source + ": " + complaint +
                                 "; name a text file of ports, one port or range like "
                                 "20000-20999 to a line");
  };
  std::string text;
  if (const int failure = platform::readFile(path, text, kLargest + 1); failure != 0) {
    reject("cannot be read (" + std::generic_category().message(failure) + ')');
  }
  if (text.size() > kLargest) reject("is larger than 1 MiB, which no list of ports needs");
  const bool hasMark = text.compare(0, kByteOrderMark.size(), kByteOrderMark) == 0;
  return hasMark ? text.substr(kByteOrderMark.size()) : text;
}

PortSet withoutExcluded(const PortSet& ports, const std::string& source) {
  auto usable = ports - excludedTCPPorts();
  if (usable.empty()) {
    throw PortSpecificationError(
        source +
        (ports.empty() ? ": names no port"
                       : ": every port is excluded (" + excludedTCPPorts().toString() + ")") +
        "; name ports and ranges like 20000-20999,30000, or unset the variable");
  }
  return usable;
}

PortSet computedServerPorts() {
  const auto ephemeral = getEphemeralTCPPortRange();
  auto ports = PortSet{{1024, 65535}} - PortSet{ephemeral} - excludedTCPPorts();
  if (ports.size() >= kFewestPorts) return ports;
  warn("the ephemeral range " + PortSet{ephemeral}.toString() + " leaves " +
       std::to_string(ports.size()) +
       " ports for servers; using 1024-49151, where outgoing connections may take a port first. "
       "Set PORTPOOL_PORTS to ports that are safe here, or narrow the ephemeral range");
  return PortSet{{1024, 49151}} - excludedTCPPorts();
}

}  // namespace

PortRange getEphemeralTCPPortRange() {
  if (const auto range = platform::ephemeralRange()) return *range;
  warn(platform::ephemeralRangeSource() +
       " does not exist; taking the IANA range 49152-65535 for ephemeral ports. Set PORTPOOL_PORTS "
       "to the ports that tests may use, like 20000-29999, if the system uses other ones");
  return kIanaEphemeralRange;
}

const PortSet& excludedTCPPorts() {
  const platform::NoFork noFork;  // a child forked meanwhile would wait for the set for ever
  static const auto& ports = *new PortSet{
      {1719, 1720}, {1723, 1723}, {2049, 2049},   {3659, 3659}, {4045, 4045},
      {4190, 4190}, {5060, 5061}, {6000, 6000},   {6566, 6566}, {6665, 6669},
      {6679, 6679}, {6697, 6697}, {10080, 10080},
  };
  return ports;
}

std::string serverTCPPortsVariable() {
  if (const auto variables = ctestVariables(); !variables.empty()) return variables.front();
  for (const char* variable :
       {"PORTPOOL_PORTS", "PYSYS_PORTS", "PORTPOOL_PORTS_FILE", "PYSYS_PORTS_FILE"}) {
    if (platform::variable(variable)) return variable;
  }
  return {};
}

PortSet getServerTCPPorts() {
  if (const auto variables = ctestVariables(); !variables.empty()) {
    return withoutExcluded(ctestPorts(variables), variables.front());
  }
  const auto variable = serverTCPPortsVariable();
  if (variable.empty()) return computedServerPorts();
  const auto value = platform::variable(variable.c_str()).value_or("");
  if (variable.find("_FILE") == std::string::npos) {
    return withoutExcluded(parsePortSet(value, variable), variable);
  }
  const auto source = variable + "=\"" + value + '"';
  return withoutExcluded(parsePortSet(readPortsFile(value, source), source), source);
}

}  // namespace portpool
