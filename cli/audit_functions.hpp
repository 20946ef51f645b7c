#pragma once

#include "audit_log.hpp"

#include <vector>

namespace portpool::cli {

/// Names the functions that call by addr2line, as far as it is there, knows them, and takes no
/// longer than some seconds in all.
void nameFunctions(const std::vector<PortUse*>& uses);

}  // namespace portpool::cli
