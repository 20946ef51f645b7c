// Which sanitizer this program is built with, for tests that one of them makes impossible.

#pragma once

#ifdef __has_feature  // clang
#if __has_feature(address_sanitizer)
#define HAS_ADDRESS_SANITIZER
#elif __has_feature(thread_sanitizer)
#define HAS_THREAD_SANITIZER
#endif
#endif

#ifdef __SANITIZE_ADDRESS__  // g++
#define HAS_ADDRESS_SANITIZER
#elif defined(__SANITIZE_THREAD__)
#define HAS_THREAD_SANITIZER
#endif

namespace portpool::test {

#ifdef HAS_ADDRESS_SANITIZER
constexpr bool kHasAddressSanitizer = true;
#else
constexpr bool kHasAddressSanitizer = false;
#endif

#ifdef HAS_THREAD_SANITIZER
constexpr bool kHasThreadSanitizer = true;
#else
constexpr bool kHasThreadSanitizer = false;
#endif

}  // namespace portpool::test
