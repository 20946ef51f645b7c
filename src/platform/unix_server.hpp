#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace portpool::platform {

/// Sends the request to the server at the address of a Unix stream socket, "@name" for an abstract
/// one or a path, and reads its answer up to the first line end, or as much as is to be read of it
/// at most: "" if the server closes the connection without one. Returns 0, or the error if nobody
/// listens there; ETIMEDOUT when `timeout` is up. Throws DescriptorLimitError.
int askUnixServer(const std::string& address, const std::string& request,
                  std::chrono::seconds timeout, std::size_t longest, std::string& answer);

}  // namespace portpool::platform
