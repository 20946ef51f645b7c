#pragma once

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>

/// Thrown when a server finds its port taken, or a client finds somebody else's server there: what
/// portpool exists to prevent. The demo counts the word in the output of the tests.
class Collision : public std::runtime_error {
 public:
  explicit Collision(const std::string& details) : std::runtime_error("COLLISION: " + details) {}
};

/// A text that no other server, test or process has.
std::string randomToken();

/// Polls `condition` until it holds. Throws if that takes longer than a loaded machine needs.
void waitUntil(const std::string& what, const std::function<bool()>& condition,
               std::chrono::seconds patience = std::chrono::seconds(30));
