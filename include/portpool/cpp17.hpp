#pragma once

// The first thing that each public header includes.

#if __cplusplus < 201703L
// The compilation ends here, where after an #error many more errors would follow.
#include "portpool needs C++17: compile with -std=c++17 or a later standard"
#endif
