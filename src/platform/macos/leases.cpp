// Leases by the lock file.
//
// It keeps processes, threads and copies of this library apart, since each of them opens the file
// anew; the locks end with the last descriptor, which no program inherits and a forked child closes
// at once. flock() would need a file and a descriptor for each lease, has no way to ask for a lock
// without taking it, and would leave the files behind.

#include "../lock_file/lock_file.hpp"
#include "platform/lease.hpp"

#include <atomic>

namespace portpool::platform {

std::unique_ptr<LeaseRegistry> makeLeaseRegistry() {
  static std::atomic<bool> isChecked{false};
  auto registry = makeLockFileRegistry(kLockFile);
  if (!isChecked) checkLocks(kLockFile);
  isChecked = true;
  return registry;
}

}  // namespace portpool::platform
