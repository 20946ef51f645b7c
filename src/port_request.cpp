#include <portpool/port_request.hpp>

namespace portpool {

std::vector<std::string> detail::defaultHosts() { return {"", "localhost"}; }

}  // namespace portpool
