#include "lease_registry.hpp"

namespace portpool::test {

std::vector<RegistryKind> registryKinds() {
  return {
      {"KernelObjects", [](const std::string& /*file*/) { return platform::makeLeaseRegistry(); }}};
}

}  // namespace portpool::test
