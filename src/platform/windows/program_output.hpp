#pragma once

#include <optional>
#include <string>

namespace portpool::platform {

/// The standard output of the program at `path`, which has no window. Nothing if it cannot be
/// started, fails, writes more than some kilobytes, or takes longer than ten seconds.
std::optional<std::string> outputOf(const std::wstring& path, const std::wstring& arguments);

}  // namespace portpool::platform
