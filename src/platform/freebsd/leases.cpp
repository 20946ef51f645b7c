// The leases of FreeBSD, which has neither abstract names nor locks of parts of an open file.

#include "lock_folder.hpp"

namespace portpool::platform {

std::unique_ptr<LeaseRegistry> makeLeaseRegistry() { return makeLockFolderRegistry(kLockFolder); }

}  // namespace portpool::platform
