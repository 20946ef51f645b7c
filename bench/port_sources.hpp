#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace portpool::bench {

/// A port that a test may use until the owner ends.
struct Port {
  std::uint16_t number;
  std::shared_ptr<void> owner;  // null if the source does not take ports back
};

/// Gives a test its port. Thread-safe.
using PortSource = std::function<Port()>;

/// The ways to come by a port that need nothing but this program, by name.
const std::map<std::string, PortSource>& builtInSources();

/// A library in another language: `command` is a program that answers each line "take" with a port,
/// and with the number of processes that it has `started` by then. "return <port>" gives the port
/// back. Runs as long as the source lives.
PortSource sourceOfCommand(const std::string& command, std::atomic<long>& started);

}  // namespace portpool::bench
