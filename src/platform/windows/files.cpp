#include "platform/files.hpp"

#include "handle.hpp"
#include "text.hpp"
#include "windows.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace portpool::platform {
namespace {

int errnoOf(DWORD error) {
  switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_NAME:
      return ENOENT;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
      return EACCES;
    default:
      return EIO;
  }
}

}  // namespace

int readFile(const std::string& path, std::string& text, std::size_t most) {
  text.clear();
  const auto opened = ::CreateFileW(utf16(path).c_str(), GENERIC_READ,
                                    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                                    OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (opened == INVALID_HANDLE_VALUE) return errnoOf(::GetLastError());
  const Handle file(opened);
  constexpr std::size_t kPiece = 16384;
  while (text.size() < most) {
    const auto size = text.size();
    const auto wanted = static_cast<DWORD>(std::min(kPiece, most - size));
    text.resize(size + wanted);
    DWORD count = 0;
    const bool isRead = ::ReadFile(file.get(), &text[size], wanted, &count, nullptr) != 0;
    const auto error = ::GetLastError();
    text.resize(size + count);
    if (!isRead && error != ERROR_BROKEN_PIPE) return errnoOf(error);
    if (count == 0) return 0;
  }
  return 0;
}

}  // namespace portpool::platform
