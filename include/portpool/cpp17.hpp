#pragma once

// Included first by every public header.

#if __cplusplus < 201703L
// A missing include ends the compilation here; an #error would be followed by many more errors.
#include "portpool needs C++17: compile with -std=c++17 or a later standard"
#endif
