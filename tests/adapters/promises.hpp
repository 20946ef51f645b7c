#pragma once

// What the subjects do with the stronger promises: alike in both frameworks.

#include <portpool/portpool.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// What each function that hands out ports gave.
struct Promised {
  std::vector<std::uint16_t> several;
  portpool::PortRange block;
  std::uint16_t udp;
  std::uint16_t held;
  std::uint16_t refused;
  portpool::ListeningSocket listening;
};

/// A request for a held port.
portpool::PortRequest held();

/// Uses all of it, and says what is not as promised; "" if all is.
std::string faultsOf(const Promised& promised);

/// Whether the port is kept from programs that set no SO_REUSEADDR, and open to servers that do.
bool isHeld(std::uint16_t port);

/// Leaves a server on the port, and notes it as "left".
void leaveServer(std::uint16_t port);

/// Ends the servers that were left in this process.
void endLeftServers();

/// Leaves a child process on the port, in a mode of the holder's, and notes it as "left to pid
/// <n>".
void leaveChild(const std::string& mode, std::uint16_t port);

/// Leaves nothing on the port but a connection in TIME_WAIT.
void leaveTimeWait(std::uint16_t port);

/// Serves on the port that the variable SUBJECT_PORT names; returns whether that can be done.
bool canServeOnHardCodedPort();
