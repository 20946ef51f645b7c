#pragma once

#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace portpool::cli {

/// A descriptor, closed when it ends.
class Descriptor {
 public:
  explicit Descriptor(int descriptor) noexcept : descriptor_(descriptor) {}
  Descriptor(Descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  explicit operator bool() const noexcept { return descriptor_ >= 0; }
  int get() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

/// What to throw where the system gives no descriptor, by errno. `what` has failed.
inline std::runtime_error noDescriptor(const std::string& what) {
  const int error = errno;
  return std::runtime_error(
      what + ": " + std::generic_category().message(error) +
      (error == EMFILE ? "; raise the limit of descriptors (ulimit -n)" : ""));
}

}  // namespace portpool::cli
