#pragma once

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <type_traits>

namespace portpool::audit {

/// Room for something large that is zero at first: neither on the stack, which may be that of a
/// signal handler, nor on the heap, which a child of vfork shares.
template <class Object>
class Scratch {
  static_assert(std::is_trivially_copyable_v<Object>);

 public:
  // Not by mmap(), since a sanitizer's would keep an account of it.
  Scratch() {
    const auto address = ::syscall(SYS_mmap, nullptr, sizeof(Object), PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): syscall() returns addresses as numbers
    if (address != -1) object_ = reinterpret_cast<Object*>(address);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (object_ != nullptr) ::syscall(SYS_munmap, object_, sizeof(Object));
  }

  /// Whether the system had room.
  explicit operator bool() const { return object_ != nullptr; }
  Object& operator*() const { return *object_; }

 private:
  Object* object_ = nullptr;
};

}  // namespace portpool::audit
