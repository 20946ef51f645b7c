#include "processes.hpp"

#include "text.hpp"

#include <libproc.h>
#include <sys/proc.h>
#include <sys/proc_info.h>
#include <sys/sysctl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace portpool::platform {
namespace {

std::optional<proc_bsdinfo> infoOf(int process) {
  proc_bsdinfo info{};
  const int size = ::proc_pidinfo(process, PROC_PIDTBSDINFO, 0, &info, sizeof info);
  if (size < static_cast<int>(sizeof info)) return std::nullopt;
  return info;
}

/// What `list` writes to a buffer that it is given, with the size in bytes, and returns the size
/// of.
template <class Element, class List>
std::vector<Element> elementsOf(const List& list) {
  constexpr std::size_t kMore = 32;
  std::vector<Element> elements;
  const int wanted = list(nullptr, 0);
  if (wanted <= 0) return elements;
  elements.resize(static_cast<std::size_t>(wanted) / sizeof(Element) + kMore);
  const int size = list(elements.data(), static_cast<int>(elements.size() * sizeof(Element)));
  elements.resize(static_cast<std::size_t>(std::max(size, 0)) / sizeof(Element));
  return elements;
}

}  // namespace

std::vector<int> processes() {
  auto processes = elementsOf<int>(
      [](void* buffer, int size) { return ::proc_listpids(PROC_ALL_PIDS, 0, buffer, size); });
  processes.erase(std::remove(processes.begin(), processes.end(), 0), processes.end());
  return processes;
}

std::vector<int> socketsOf(int process) {
  std::vector<int> sockets;
  for (const auto& each : elementsOf<proc_fdinfo>([process](void*buffer, int size) {
         return ::proc_pidinfo(process, PROC_PIDLISTFDS, 0, buffer, size);
       })) {
    if (each.proc_fdtype == PROX_FDTYPE_SOCKET) sockets.push_back(each.proc_fd);
  }
  return sockets;
}

std::string commandOf(int process) {
  constexpr std::size_t kLongest = 16384;
  std::array<int, 3> name{CTL_KERN, KERN_PROCARGS2, process};
  // The number of the arguments, the program's path with some zeros after it, and the arguments.
  int limit = 0;
  std::size_t size = sizeof limit;
  std::array<int, 2> limitName{CTL_KERN, KERN_ARGMAX};
  std::string text;
  if (::sysctl(limitName.data(), limitName.size(), &limit, &size, nullptr, 0) == 0 && limit > 0) {
    text.resize(static_cast<std::size_t>(limit));
    size = text.size();
    const int error = ::sysctl(name.data(), name.size(), text.data(), &size, nullptr, 0);
    text.resize(error == 0 ? size : 0);
  }
  std::string command;
  int count = 0;
  if (text.size() > sizeof count) {
    std::memcpy(&count, text.data(), sizeof count);
    auto place = text.find('\0', sizeof count);
    for (; count > 0 && place < text.size() && command.size() <= kLongest; --count) {
      if (command.empty()) place = text.find_first_not_of('\0', place);
      if (place == std::string::npos) break;
      const auto end = std::min(text.find('\0', place), text.size());
      command += (command.empty() ? "" : " ") + text.substr(place, end - place);
      place = end + 1;
    }
  }
  if (command.empty()) {
    std::array<char, 2 * MAXCOMLEN + 1> buffer{};
    if (::proc_name(process, buffer.data(), buffer.size() - 1) > 0) command = buffer.data();
  }
  return printable(command, kLongest);
}

std::optional<unsigned> userOf(int process) {
  const auto info = infoOf(process);
  if (!info) return std::nullopt;
  return info->pbi_uid;
}

bool isExiting(int process) {
  const auto info = infoOf(process);
  return !info || info->pbi_status == SZOMB || (info->pbi_flags & PROC_FLAG_INEXIT) != 0;
}

}  // namespace portpool::platform
