#pragma once

#include <portpool/cpp17.hpp>

#include <portpool/port_scope.hpp>

#pragma GCC visibility push(default)
namespace portpool {

/// A mixin for test fixtures: extends `Base` with a scope, so that tests call
/// getNextAvailableTCPPort() and its relatives as members. The ports are returned after all members
/// of classes derived from the mixin are destroyed, and before `Base` is. Each adapter has an alias
/// of it for its framework.
template <class Base>
class PortFixture : public Base, protected PortScope {};

}  // namespace portpool
#pragma GCC visibility pop
