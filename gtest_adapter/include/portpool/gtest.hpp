#pragma once

#include <portpool/cpp17.hpp>

#include <gtest/gtest.h>

#include <portpool/portpool.hpp>

namespace portpool::gtest {

/// Registers with GoogleTest the environment, which builds this process's pool before the first
/// test, and the listener, which opens and ends the scopes of portpool::getNextAvailableTCPPort; a
/// second call does nothing. Including this header is enough: it is called before main() begins,
/// once for the program and all shared libraries that include the header. A program without its
/// definition, which portpool::gtest, portpool::gtest_main and portpool::gmock_main compile, does
/// not link. A template, since a library and its program may each have the definition.
template <class = void>
void install();
extern template void install<void>();

namespace detail {
inline const bool kIsInstalled = (install(), true);
}  // namespace detail

/// A fixture with getNextAvailableTCPPort(hosts, family) and its relatives as members. `Base` is
/// the fixture to extend.
template <class Base = ::testing::Test>
using PortFixture = ::portpool::PortFixture<Base>;

}  // namespace portpool::gtest
