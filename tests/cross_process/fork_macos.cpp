#include "fork.hpp"

namespace portpool::test {

constexpr const char* kNoFilters = "this system filters no system calls";

void failCall(unsigned /*call*/, unsigned /*argument*/, unsigned /*value*/, int /*error*/) {
  throw Refused(kNoFilters);
}

void dieWithoutFlag(unsigned /*call*/, unsigned /*argument*/, unsigned /*flag*/) {
  throw Refused(kNoFilters);
}

void refuseNamespaces() {}

void dieWithParent() noexcept {}

}  // namespace portpool::test
