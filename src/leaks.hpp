#pragma once

namespace portpool {

/// What becomes of a port that is still in use when its scope ends.
enum class LeakPolicy { Warn, Fail, Ignore };

/// The policy that the environment variable PORTPOOL_LEAKS names, read once. Throws
/// PortSpecificationError.
LeakPolicy leakPolicy();

}  // namespace portpool
