#pragma once

#include "windows.hpp"

#include <memory>

namespace portpool::platform {

struct CloseHandleOf {
  void operator()(HANDLE handle) const noexcept { ::CloseHandle(handle); }
};

/// Owns a kernel object's handle, which no child inherits. Null if there is none.
using Handle = std::unique_ptr<void, CloseHandleOf>;

}  // namespace portpool::platform
