#pragma once

// Functions for environment variables that the C++ standard lacks.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portpool::platform {

/// The variable's value, as UTF-8.
std::optional<std::string> variable(const char* name);

/// The names of this process's environment variables that begin with `prefix`.
std::vector<std::string> environmentNames(std::string_view prefix);

/// Sets the variable by a text like "NAME=value", which becomes part of the environment: it must
/// never be freed.
void putVariable(char* text) noexcept;

void removeVariable(const char* name) noexcept;

}  // namespace portpool::platform
