#include "lease_registry.hpp"
#include "platform/freebsd/lock_folder.hpp"

namespace portpool::test {

std::vector<RegistryKind> registryKinds() {
  return {{"LockFolder", platform::makeLockFolderRegistry}};
}

}  // namespace portpool::test
