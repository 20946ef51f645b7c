// Which kind of lease a process has.

#include "../lock_file/lock_file.hpp"
#include "../lock_file/lock_offset.hpp"
#include "abstract_names.hpp"

namespace portpool::platform {

std::unique_ptr<LeaseRegistry> makeLeaseRegistry() {
  if (auto registry = makeAbstractNameRegistry()) return registry;
  return makeLockFileRegistry(kLockFile);
}

}  // namespace portpool::platform
