#pragma once

#include <portpool/cpp17.hpp>

#include <string>

namespace portpool {

/// What keeps this process's pool from being built, in the words of the exception that
/// PortPool::process() throws; "" if it is built. For programs without exceptions. Thread-safe.
std::string processPoolFault() noexcept;

}  // namespace portpool
