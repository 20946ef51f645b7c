#pragma once

#include <portpool/cpp17.hpp>

#if __has_include(<catch_amalgamated.hpp>)           // Catch2 3 in one file
#include <catch_amalgamated.hpp>                     // IWYU pragma: export
#elif __has_include(<catch2/catch_amalgamated.hpp>)  // the same
#include <catch2/catch_amalgamated.hpp>              // IWYU pragma: export
#elif __has_include(<catch2/catch_test_macros.hpp>)  // Catch2 3
#include <catch2/catch_test_macros.hpp>              // IWYU pragma: export
#else                                                // Catch2 2.13
#include <catch2/catch.hpp>                          // IWYU pragma: export
#endif

// All of the core but PortPoolOptions and port_users.hpp, which take as long to compile as the
// rest.
#include <portpool/errors.hpp>          // IWYU pragma: export
#include <portpool/isolation.hpp>       // IWYU pragma: export
#include <portpool/port_fixture.hpp>    // IWYU pragma: export
#include <portpool/port_pool.hpp>       // IWYU pragma: export
#include <portpool/port_set.hpp>        // IWYU pragma: export
#include <portpool/ports.hpp>           // IWYU pragma: export
#include <portpool/server_ports.hpp>    // IWYU pragma: export
#include <portpool/sockets.hpp>         // IWYU pragma: export
#include <portpool/tcp_port_owner.hpp>  // IWYU pragma: export

namespace portpool::catch2 {

namespace detail {

struct NoBase {};

/// Defined with the listener: a program without it does not link, and the linker's message names
/// what is missing. A template, since an object library and its program may each have the
/// definition.
template <class = void>
// NOLINTNEXTLINE(readability-identifier-naming)
bool link_portpool_catch2_or_portpool_catch2_main();
// NOLINTNEXTLINE(readability-identifier-naming)
extern template bool link_portpool_catch2_or_portpool_catch2_main<void>();

[[gnu::used]] inline constexpr auto* kIsLinked =
    &link_portpool_catch2_or_portpool_catch2_main<void>;

}  // namespace detail

/// A fixture for TEST_CASE_METHOD with getNextAvailableTCPPort(hosts, family) and its relatives as
/// members. ::portpool::PortFixture<Base> extends a fixture of yours with them.
using PortFixture = ::portpool::PortFixture<detail::NoBase>;

}  // namespace portpool::catch2
