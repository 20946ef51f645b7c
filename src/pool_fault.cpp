#include <portpool/pool_fault.hpp>

#include <portpool/port_pool.hpp>

#include <exception>

namespace portpool {

std::string processPoolFault() noexcept {
  try {
    PortPool::process();
    return {};
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace portpool
