#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)  // Catch2 3
#include <catch2/catch_test_macros.hpp>            // IWYU pragma: export
#else                                              // Catch2 2.13
#include <catch2/catch.hpp>                        // IWYU pragma: export
#endif

#include <portpool/portpool.hpp>

namespace portpool::catch2 {

namespace detail {
struct NoBase {};
}  // namespace detail

/// A fixture for TEST_CASE_METHOD with getNextAvailableTCPPort(hosts, family) and the like (see
/// PortScope). The ports are returned after every member of the fixtures derived from it is
/// destroyed.
using PortFixture = ::portpool::PortFixture<detail::NoBase>;

}  // namespace portpool::catch2
