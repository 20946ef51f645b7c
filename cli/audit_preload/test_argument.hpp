#pragma once

#include "system.hpp"

namespace portpool::audit {

/// Announces the test that the arguments of this program name, if they name one alone, to those
/// that it starts, too. Before the program has threads.
void announceArgument(const RealFunctions& functions);

}  // namespace portpool::audit
