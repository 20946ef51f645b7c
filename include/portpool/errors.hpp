#pragma once

#include <portpool/cpp17.hpp>

#include <stdexcept>

namespace portpool {

/// The base of everything that portpool throws. `what()` says what happened, with the values, and
/// what to do about it. Thrown itself when the system fails in a way that has no class below.
class PortPoolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A setting that is not understood, or names no usable port: an environment variable, a file of
/// ports, a port set in text or in code.
class PortSpecificationError : public PortPoolError {
 public:
  using PortPoolError::PortPoolError;
};

/// The system's range of ephemeral ports cannot be read or makes no sense.
class PortRangeUnknownError : public PortPoolError {
 public:
  using PortPoolError::PortPoolError;
};

/// A host of a request does not resolve, is not an address of this machine, or is of a family that
/// the request excludes or the kernel lacks. Also a request without hosts.
class HostError : public PortPoolError {
 public:
  using PortPoolError::PortPoolError;
};

/// Every port of the pool is taken, and none came back within the wait time.
class NoPortAvailableError : public PortPoolError {
 public:
  using PortPoolError::PortPoolError;
};

/// The port server that PORTSERVER_ADDRESS names does not answer, or not by a port.
class PortServerError : public PortPoolError {
 public:
  using PortPoolError::PortPoolError;
};

/// The process or the system has no file descriptor left for a lease or a probe.
class DescriptorLimitError : public PortPoolError {
 public:
  using PortPoolError::PortPoolError;
};

/// No server answered on a port in time, or the process that was to serve died.
class NotListeningError : public PortPoolError {
 public:
  using PortPoolError::PortPoolError;
};

/// The system refuses this process a network of its own, or PORTPOOL_ISOLATE asks for one and the
/// program does not.
class IsolationError : public PortPoolError {
 public:
  using PortPoolError::PortPoolError;
};

}  // namespace portpool
