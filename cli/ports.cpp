#include "ports.hpp"

namespace portpool::cli {

void checkPorts(const PortOptions& options) {
  if (options.distance && options.count == 1) {
    throw UsageError("--distance is between the ports of a block; ask for two or more with -n");
  }
  const bool isSet = options.count > 1 && !options.isBlock && !options.distance;
  if (isSet && options.multipleOf > 1) {
    throw UsageError("--multiple-of is for one port or for a block; add --block");
  }
}

std::vector<TCPPortOwner> takePorts(const PortOptions& options, Hold hold) {
  PortRequest request;
  request.transport = options.isUDP ? Transport::UDP : Transport::TCP;
  request.hold = hold;
  request.multipleOf = options.multipleOf;
  request.distance = options.distance.value_or(request.distance);
  auto& pool = PortPool::process();
  return options.isBlock || options.distance ? pool.allocateBlock(options.count, request)
                                             : pool.allocateSeveral(options.count, request);
}

}  // namespace portpool::cli
