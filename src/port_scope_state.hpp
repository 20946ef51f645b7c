#pragma once

#include "platform/fork.hpp"

#include <portpool/port_request.hpp>
#include <portpool/port_scope.hpp>
#include <portpool/port_set.hpp>
#include <portpool/tcp_port_owner.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace portpool {

/// Guarded by platform::CoreLock, like the list of those that are open.
struct PortScope::State {
  struct HandedOut {
    std::uint16_t port;
    std::shared_ptr<const PortRequest> request;
    std::string named;  // "server=20000", of the first port of that name
    bool isReported;    // in the report of a phase within
  };
  struct Named {
    std::shared_ptr<const PortRequest> request;
    std::size_t count;
    std::uint16_t first;
  };
  struct Line {  // of describePorts()
    std::string phase;
    std::string name;
    bool isReturned;
  };

  /// The open ones, outermost first: that of the process comes before all, and never ends.
  static std::vector<State*>& open() {
    static auto& states = *new std::vector<State*>{new State};
    return states;
  }

  /// That of a scope, or of the innermost for the one that stands for it.
  static State& of(const std::unique_ptr<State>& scope) { return scope ? *scope : *open().back(); }

  /// What this scope, or one around it, has by the name, or null.
  const Named* find(const std::string& wanted) const;

  /// Takes the owners, and returns their ports, which are found by the name of the request if there
  /// is one; or leaves them to their caller, who has no lock when it ends them, if there is no
  /// memory.
  std::vector<std::uint16_t> adopt(std::vector<TCPPortOwner>& owned, const PortRequest* byName);

  /// Takes over the record of a scope within that ends.
  void append(State& inner, const std::vector<std::string>& leaks);

  /// The ports of all that are open, and those that the innermost has returned.
  static std::map<std::uint16_t, Line> lines();

  std::string name;
  std::uint64_t process = platform::currentProcess();  // that opened it
  std::vector<TCPPortOwner> owners;
  std::vector<HandedOut> handedOut;
  std::vector<Named> named;
  PortSet leaked;
  bool isReported = false;
  std::vector<std::string> failures;  // leaks of inner scopes
};

/// The port for a message, by the name that it has in the scopes that are open, if it has one.
std::string portTitle(std::uint16_t port);

}  // namespace portpool
