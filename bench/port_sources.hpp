#pragma once

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
/// and to which "return <port>" gives it back. Runs as long as the source lives.
PortSource sourceOfCommand(const std::string& command);

}  // namespace portpool::bench
