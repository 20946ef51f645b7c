#include "lease_registry.hpp"
#include "platform/freebsd/lock_folder.hpp"
#include "platform/lock_file/lock_file.hpp"
#include "system/system.hpp"

namespace portpool::test {

std::vector<RegistryKind> registryKinds() {
  return {{"AbstractNames", [](const std::string& /*file*/) { return makeNamedRegistry(); }},
          {"LockFile", platform::makeLockFileRegistry},
          {"LockFolder", platform::makeLockFolderRegistry}};
}

}  // namespace portpool::test
