#pragma once

#include <portpool/cpp17.hpp>

#include <portpool/port_set.hpp>

#include <string>

namespace portpool {

/// The ports that the system gives to the client side of connections, and to sockets bound to port
/// 0: on Linux, /proc/sys/net/ipv4/ip_local_port_range of this network namespace. If that file does
/// not exist, the IANA range 49152-65535, with a warning on stderr.
/// Throws PortRangeUnknownError if the file cannot be read or does not hold two ports in order.
/// Thread-safe. From PySys.
PortRange getEphemeralTCPPortRange();

/// The ports that no test should serve on: the "bad ports" of the Fetch standard
/// (https://fetch.spec.whatwg.org/#port-blocking) from 1024 up, which browsers refuse to open.
/// Thread-safe.
const PortSet& excludedTCPPorts();

/// The ports for test servers, less `excludedTCPPorts()`. The first of these environment variables
/// that is set names them: PORTPOOL_PORTS, PYSYS_PORTS (texts for `parsePortSet`),
/// PORTPOOL_PORTS_FILE, PYSYS_PORTS_FILE (paths of files with such a text, of 1 MiB at most).
/// Otherwise they are 1024 to 65535 less the ephemeral range, both of its ends included; if fewer
/// than 50 remain, 1024 to 49151, with a warning on stderr.
/// PORTSERVER_ADDRESS plays no part here: see PortPool::process().
/// Throws PortSpecificationError, naming the variable and the offending token, if a variable or its
/// file is not understood or leaves no port; PortRangeUnknownError as getEphemeralTCPPortRange().
/// Thread-safe, as long as no thread changes the environment. From PySys.
PortSet getServerTCPPorts();

/// Which of these variables names them, or "" if none is set. Thread-safe under the same condition.
std::string serverTCPPortsVariable();

/// The address of the port server that PortPool::process() draws its ports from, which
/// PORTSERVER_ADDRESS names; "" if that is not set, or a variable names the ports. Thread-safe under
/// the same condition.
std::string portServerAddress();

}  // namespace portpool
