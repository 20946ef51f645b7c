#pragma once

#include <portpool/cpp17.hpp>

#include <portpool/port_set.hpp>

#include <string>

#pragma GCC visibility push(default)
namespace portpool {

/// The ports that the system gives to outgoing connections and to sockets bound to port 0: on
/// Linux, /proc/sys/net/ipv4/ip_local_port_range of this network namespace. If that file does not
/// exist, returns the IANA range 49152-65535 and logs a warning to stderr. Throws
/// PortRangeUnknownError if the file cannot be read or does not contain two ports in order.
/// Thread-safe. From PySys.
PortRange getEphemeralTCPPortRange();

/// The ports on which no test should serve: the "bad ports" of the Fetch standard
/// (https://fetch.spec.whatwg.org/#port-blocking) from 1024 up, which browsers refuse to open.
/// Thread-safe.
const PortSet& excludedTCPPorts();

/// The ports for test servers, without `excludedTCPPorts()`. If CTest hands this test ports,
/// they are the ids in CTEST_RESOURCE_GROUP_<i>_PORTS of all of the test's resource groups: ports
/// like 20000 or ranges like 20000_20009. Otherwise the first of these environment variables that
/// is set defines them: PORTPOOL_PORTS, PYSYS_PORTS (texts for `parsePortSet`),
/// PORTPOOL_PORTS_FILE, PYSYS_PORTS_FILE (paths of files that contain such a text, at most 1 MiB).
/// Otherwise they are 1024 to 65535 without the ephemeral range, whose ends both belong to it; if
/// fewer than 50 ports remain, they are 1024 to 49151, and a warning is logged to stderr.
/// Throws PortSpecificationError, naming the variable and the offending token, if a variable or its
/// file is invalid or leaves no port, and PortRangeUnknownError as getEphemeralTCPPortRange() does.
/// Thread-safe as long as no thread changes the environment. From PySys.
PortSet getServerTCPPorts();

/// Which of these variables is in effect (of CTest's, the first), or "" if none is set. Thread-safe
/// under the same condition.
std::string serverTCPPortsVariable();

}  // namespace portpool
#pragma GCC visibility pop
