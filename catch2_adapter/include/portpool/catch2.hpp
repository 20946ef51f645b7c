#pragma once

#include <portpool/portpool.hpp>

namespace portpool::catch2 {

namespace detail {
struct NoBase {};
}  // namespace detail

/// A fixture for TEST_CASE_METHOD with getNextAvailableTCPPort(hosts, family). The ports are
/// returned after every member of the fixtures derived from it is destroyed.
using PortFixture = ::portpool::PortFixture<detail::NoBase>;

}  // namespace portpool::catch2
