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

#include <portpool/portpool.hpp>

#include <string_view>

namespace portpool::catch2 {

namespace detail {

struct NoBase {};

/// Defined with the listener: a program without it does not link, and the linker's message names
/// what is missing.
// NOLINTNEXTLINE(readability-identifier-naming)
bool link_portpool_catch2_or_portpool_catch2_main();

inline const bool kIsLinked = link_portpool_catch2_or_portpool_catch2_main();

inline bool isListing(const char* argument) {
  const std::string_view text = argument;
  return text == "-l" || text == "-t" || text.substr(0, 7) == "--list-";
}

/// Before any static object takes a port, in whatever source file.
[[gnu::constructor(101)]] inline void announceRun() { expectRun(isListing); }

}  // namespace detail

/// A fixture for TEST_CASE_METHOD with getNextAvailableTCPPort(hosts, family) and its relatives as
/// members (see PortScope). The ports are returned after all members of fixtures derived from it
/// are destroyed.
using PortFixture = ::portpool::PortFixture<detail::NoBase>;

}  // namespace portpool::catch2
