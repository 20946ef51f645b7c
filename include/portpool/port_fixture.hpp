#pragma once

#include <portpool/cpp17.hpp>

#include <portpool/port_scope.hpp>

namespace portpool {

/// A mixin for test fixtures: extends `Base` by a scope, whose getNextAvailableTCPPort() and the
/// like the fixture's tests call as their own. The ports are returned after every member of the
/// classes derived from the mixin is destroyed, and before `Base` is. The adapters name it for
/// their framework.
template <class Base>
class PortFixture : public Base, protected PortScope {};

}  // namespace portpool
