#include "client_processes.hpp"

#include "process_state.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
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

ClientProcesses::ClientProcesses() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw noDescriptor("epoll_create1");
}

std::shared_ptr<ClientProcess> ClientProcesses::find(pid_t pid, uid_t user,
                                                     std::chrono::nanoseconds named) {
  std::shared_ptr<ClientProcess> process;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = processes_.find(pid);
    process = found == processes_.end() || hasEnded(*found->second) ? add(pid) : found->second;
  }
  const bool isNamed =
      process && process->start <= ticks(named) && (user == process->user || user == kRoot);
  return isNamed ? process : nullptr;
}

std::shared_ptr<ClientProcess> ClientProcesses::add(pid_t pid) {
  auto process = std::make_shared<ClientProcess>();
  process->descriptor = Descriptor(openProcess(pid));
  if (!process->descriptor) return nullptr;
  struct stat folder {};
  if (::stat(("/proc/" + std::to_string(pid)).c_str(), &folder) != 0) return nullptr;
  process->user = folder.st_uid;
  process->start = stateOf(pid).start;
  if (hasEnded(*process)) return nullptr;  // what was read may be another's, of the same pid
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = pid;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, process->descriptor.get(), &event) != 0) {
    return nullptr;
  }
  return processes_[pid] = std::move(process);
}

void ClientProcesses::removeEnded() {
  constexpr int kAtOnce = 64;
  std::array<epoll_event, kAtOnce> events{};
  std::array<std::shared_ptr<ClientProcess>, kAtOnce> ended;  // which end outside of the lock
  const std::lock_guard<std::mutex> lock(mutex_);
  const int count = ::epoll_wait(epoll_.get(), events.data(), kAtOnce, 0);
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const auto found = processes_.find(events.at(at).data.fd);
    if (found == processes_.end() || !hasEnded(*found->second)) continue;
    ended.at(at) = std::move(found->second);
    processes_.erase(found);
  }
}

std::size_t ClientProcesses::size() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return processes_.size();
}

}  // namespace portpool::cli
