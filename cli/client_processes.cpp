#include "client_processes.hpp"

#include "process_state.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <string>
#include <utility>

namespace portpool::cli {
namespace {

constexpr uid_t kRoot = 0;

bool hasEnded(const ClientProcess& process) {
  pollfd state{process.descriptor.get(), POLLIN, 0};
  return ::poll(&state, 1, 0) != 0;
}

std::uint64_t ticks(std::chrono::nanoseconds time) {
  static const auto perSecond = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  constexpr std::uint64_t kSecond = std::chrono::nanoseconds(std::chrono::seconds(1)).count();
  return static_cast<std::uint64_t>(time.count()) / (kSecond / perSecond);
}

}  // namespace

std::chrono::nanoseconds sinceSystemStart() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

ClientProcess* ClientProcesses::find(pid_t pid, uid_t user, std::chrono::nanoseconds named) {
  const auto found = processes_.find(pid);
  auto* process = found == processes_.end() || removeIfEnded(pid) ? add(pid) : &found->second;
  const bool isNamed = process != nullptr && process->start <= ticks(named) &&
                       (user == process->user || user == kRoot);
  return isNamed ? process : nullptr;
}

ClientProcess* ClientProcesses::add(pid_t pid) {
  ClientProcess process{Descriptor(openProcess(pid)), 0, 0};
  if (!process.descriptor) return nullptr;
  struct stat folder {};
  if (::stat(("/proc/" + std::to_string(pid)).c_str(), &folder) != 0) return nullptr;
  process.user = folder.st_uid;
  process.start = stateOf(pid).start;
  if (hasEnded(process)) return nullptr;  // what was read may be another's, of the same pid
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = mark_ | static_cast<std::uint64_t>(pid);
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, process.descriptor.get(), &event) != 0) return nullptr;
  return &processes_.emplace(pid, std::move(process)).first->second;
}

bool ClientProcesses::removeIfEnded(pid_t pid) {
  const auto found = processes_.find(pid);
  if (found == processes_.end() || !hasEnded(found->second)) return false;
  processes_.erase(found);
  return true;
}

}  // namespace portpool::cli
