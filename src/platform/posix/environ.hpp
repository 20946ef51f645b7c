#pragma once

namespace portpool::platform {

/// The environment of this process, which a null ends.
char** environmentTable() noexcept;

}  // namespace portpool::platform
