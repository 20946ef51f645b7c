#pragma once

// The whole core: TCP and UDP ports of its own for every test.

#include <portpool/cpp17.hpp>

#include <portpool/errors.hpp>             // IWYU pragma: export
#include <portpool/isolation.hpp>          // IWYU pragma: export
#include <portpool/port_fixture.hpp>       // IWYU pragma: export
#include <portpool/port_pool.hpp>          // IWYU pragma: export
#include <portpool/port_pool_options.hpp>  // IWYU pragma: export
#include <portpool/port_range.hpp>         // IWYU pragma: export
#include <portpool/port_request.hpp>       // IWYU pragma: export
#include <portpool/port_set.hpp>           // IWYU pragma: export
#include <portpool/port_users.hpp>         // IWYU pragma: export
#include <portpool/ports.hpp>              // IWYU pragma: export
#include <portpool/server_ports.hpp>       // IWYU pragma: export
#include <portpool/sockets.hpp>            // IWYU pragma: export
#include <portpool/tcp_port_owner.hpp>     // IWYU pragma: export
