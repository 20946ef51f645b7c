#pragma once

#include <portpool/cpp17.hpp>

#include <stdexcept>

#pragma GCC visibility push(default)
namespace portpool {

/// The base of all exceptions of portpool. `what()` says what happened, with the values, and how to
/// mend it. Thrown itself for system errors that have no class of their own below.
class PortPoolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A setting is invalid or leaves no usable port: an environment variable, a file of ports, or a
/// port set given as text or in code.
class PortSpecificationError : public PortPoolError {
 public:
  using PortPoolError::PortPoolError;
};

/// The system's range of ephemeral ports cannot be read or is not a range.
class PortRangeUnknownError : public PortPoolError {
 public:
  using PortPoolError::PortPoolError;
};

/// A host of a request does not resolve, is not an address of this machine, or belongs to a family
/// that the request excludes or the kernel lacks. Also thrown for a request without hosts.
class HostError : public PortPoolError {
 public:
  using PortPoolError::PortPoolError;
};

/// Every port of the pool is taken, and none was returned within the wait time.
class NoPortAvailableError : public PortPoolError {
 public:
  using PortPoolError::PortPoolError;
};

/// The process or the system has no file descriptor left for a lease or a probe.
class DescriptorLimitError : public PortPoolError {
 public:
  using PortPoolError::PortPoolError;
};

/// No server answered on a port in time, or the server's process died.
class NotListeningError : public PortPoolError {
 public:
  using PortPoolError::PortPoolError;
};

/// The system does not allow this process a network of its own, or PORTPOOL_ISOLATE requires one
/// and the program has not created it.
class IsolationError : public PortPoolError {
 public:
  using PortPoolError::PortPoolError;
};

}  // namespace portpool
#pragma GCC visibility pop
