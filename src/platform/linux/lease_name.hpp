#pragma once

// The abstract AF_UNIX names of leases, made without memory from the heap and without a library:
// programs that do not use portpool ask for them, too (cli/audit_preload).

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace portpool::platform {

inline constexpr std::string_view kAbstractNamePrefix = "portpool/";

/// The abstract name, without its leading NUL, that stands for a key.
class LeaseName {
 public:
  explicit LeaseName(std::uint64_t key) {
    // The kernel finds a name by a sum of its bytes, which alone would put most ports in few
    // places.
    constexpr std::uint64_t kGoldenRatio = 0x9e3779b97f4a7c15;
    constexpr const char* kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
    constexpr int kBase = 36, kLength = 4;
    auto* end = std::copy(kAbstractNamePrefix.begin(), kAbstractNamePrefix.end(), text_.begin());
    end = std::to_chars(end, text_.end() - kLength - 1, key).ptr;
    *end++ = '.';
    auto hash = (key * kGoldenRatio) >> 32;
    for (int i = 0; i < kLength; ++i, hash /= kBase) *end++ = kDigits[hash % kBase];
    size_ = static_cast<std::size_t>(end - text_.begin());
  }
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 40> text_{};
  std::size_t size_;
};

/// The address of an abstract name.
struct AbstractAddress {
  explicit AbstractAddress(std::string_view name) {
    address.sun_family = AF_UNIX;  // and a NUL before the name, which makes it abstract
    const auto length = std::min(name.size(), sizeof address.sun_path - 1);
    std::memcpy(address.sun_path + 1, name.data(), length);
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
  }
  explicit AbstractAddress(const LeaseName& name) : AbstractAddress(name.text()) {}
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }

  sockaddr_un address{};
  socklen_t size;
};

}  // namespace portpool::platform
