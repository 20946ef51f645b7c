#include "ports.hpp"

namespace portpool::cli {

std::vector<TCPPortOwner> takePorts(const PortOptions& options, Hold hold) {
  PortRequest request;
  request.transport = options.isUDP ? Transport::UDP : Transport::TCP;
  request.hold = hold;
  auto& pool = PortPool::process();
  return options.isBlock ? pool.allocateBlock(options.count, request)
                         : pool.allocateSeveral(options.count, request);
}

}  // namespace portpool::cli
