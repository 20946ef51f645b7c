#include "lease_registry.hpp"
#include "platform/lock_file/lock_file.hpp"

namespace portpool::test {

std::vector<RegistryKind> registryKinds() {
  return {
      {"AbstractNames", [](const std::string& /*file*/) { return platform::makeLeaseRegistry(); }},
      {"LockFile", platform::makeLockFileRegistry}};
}

}  // namespace portpool::test
