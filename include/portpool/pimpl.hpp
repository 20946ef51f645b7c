#pragma once

#include <portpool/cpp17.hpp>

namespace portpool::detail {

/// Owns an object of a type that is incomplete where its owner is declared, like std::unique_ptr,
/// whose header takes longer to compile than all of portpool's.
template <class T>
class Pimpl {
 public:
  Pimpl() = default;
  explicit Pimpl(T* object) noexcept : object_(object) {}
  Pimpl(const Pimpl&) = delete;
  Pimpl& operator=(const Pimpl&) = delete;
  Pimpl(Pimpl&& other) noexcept : object_(other.release()) {}
  Pimpl& operator=(Pimpl&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~Pimpl() { reset(); }

  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

  T* release() noexcept {
    T* object = object_;
    object_ = nullptr;
    return object;
  }
  void reset(T* object = nullptr) noexcept {
    T* before = object_;
    object_ = object;
    delete before;
  }

 private:
  T* object_ = nullptr;
};

}  // namespace portpool::detail
