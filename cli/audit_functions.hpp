#pragma once

#include "audit_log.hpp"

#include <vector>

namespace portpool::cli {

/// Names the calling functions with addr2line, if it is installed and knows them, within a few
/// seconds in total; else by their place in the module.
void nameFunctions(const std::vector<PortUse*>& uses);

}  // namespace portpool::cli
