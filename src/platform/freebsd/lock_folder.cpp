// Leases by locks of files, for a system that locks whole files for an open one only.
//
// flock() keeps processes, threads and copies of this library apart, since each opens the file
// anew, and its lock ends with the last descriptor. A lock of fcntl() would end when any part of
// the process closes the file, and would not keep that process's threads apart.

#include "lock_folder.hpp"

#include "../posix/shared_file.hpp"
#include "platform/fork.hpp"
#include "platform/own_leases.hpp"
#include "platform/private_socket.hpp"
#include "platform/system_error.hpp"

#include <portpool/errors.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <system_error>
#include <thread>
#include <utility>

namespace portpool::platform {
namespace {

constexpr std::chrono::milliseconds kLongestLook{200};
constexpr mode_t kReadableByEveryUser = S_IRUSR | S_IRGRP | S_IROTH;

[[noreturn]] void throwFolderError(const std::string& path, const std::string& reason) {
  throw PortPoolError("cannot use the folder of leases " + path + " (" + reason +
                      "); make it a folder in which every user can make files, or remove it");
}

/// Whether another open file has the lock. To look, this one shares it for an instant, in which
/// nobody else can take it: who fails to, looks whether the other merely looks.
bool isHeld(const Socket& file) { return ::flock(file.get(), LOCK_SH | LOCK_NB) != 0; }

/// Whether that error of opening a lease's file says that another user is making it, or has put
/// something else in its place.
bool keepsOthersOut(int error) {
  return error == EACCES || error == ELOOP || error == EMLINK || error == ENXIO ||
         error == EOPNOTSUPP;
}

class LockFolderLease final : public Lease {
 public:
  LockFolderLease(PrivateSocket file, std::string path, std::uint64_t key)
      : file_(std::move(file)), path_(std::move(path)), own_(key) {}
  LockFolderLease(const LockFolderLease&) = delete;
  LockFolderLease& operator=(const LockFolderLease&) = delete;
  /// While it is locked: whoever has opened it meanwhile, finds it gone.
  ~LockFolderLease() override {
    // The child of a bare rfork() may not have been noticed, and would end its parent's lease.
    const bool isOurs = file_.get() != kNoSocket && process_ == ::getpid();
    if (isOurs && isAtPath(file_.get(), path_)) ::unlink(path_.c_str());
  }

  std::optional<std::uint16_t> await(std::chrono::steady_clock::time_point deadline) override {
    std::this_thread::sleep_until(deadline);
    return std::nullopt;
  }

 private:
  PrivateSocket file_;
  std::string path_;
  pid_t process_ = ::getpid();
  OwnLease own_;
};

class LockFolderRegistry final : public LeaseRegistry {
 public:
  explicit LockFolderRegistry(std::string folder) : folder_(std::move(folder)) { makeFolder(); }

  LeaseKind kind() const noexcept override { return LeaseKind::LockFile; }

  std::unique_ptr<Lease> tryAcquire(std::uint64_t key) override {
    // Who looks at a lease does so for an instant, unless it is stopped right then.
    const auto end = std::chrono::steady_clock::now() + kLongestLook;
    const auto path = pathOf(key);
    const NoFork noFork;
    for (;;) {
      Socket file = openSharedFile(path, O_RDONLY, kReadableByEveryUser);
      if (!file) {
        if (keepsOthersOut(errno)) return nullptr;
        if (errno != ENOENT) throwSystemError("open " + path, errno);
        makeFolder();
      } else if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) throwSystemError("flock " + path, errno);
        if (isHeld(file) || std::chrono::steady_clock::now() >= end) return nullptr;
        std::this_thread::yield();
      } else if (isAtPath(file.get(), path)) {
        return std::make_unique<LockFolderLease>(PrivateSocket(std::move(file)), path, key);
      }
    }
  }

  bool isLeased(std::uint64_t key) override {
    const auto path = pathOf(key);
    const NoFork noFork;
    const Socket file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (file) return isHeld(file);
    if (errno == ENOENT) return false;
    if (keepsOthersOut(errno)) return true;
    throwSystemError("open " + path, errno);
  }

  bool wake(std::uint64_t /*key*/, std::uint16_t /*port*/) noexcept override { return false; }
  bool hasMessages() const noexcept override { return false; }

 private:
  std::string pathOf(std::uint64_t key) const { return folder_ + '/' + std::to_string(key); }

  /// A cleaner of /tmp may remove it.
  void makeFolder() const {
    constexpr mode_t kOwnFilesOfEveryUser = S_ISVTX | S_IRWXU | S_IRWXG | S_IRWXO;
    const NoFork noFork;
    if (const int error = makeSharedFolder(folder_, kOwnFilesOfEveryUser); error != 0) {
      throwFolderError(folder_, std::generic_category().message(error));
    }
    struct stat status {};
    if (::lstat(folder_.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
      throwFolderError(folder_, "not a directory");
    }
    if (::faccessat(AT_FDCWD, folder_.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
      throwFolderError(folder_, std::generic_category().message(errno));
    }
  }

  const std::string folder_;
};

}  // namespace

std::unique_ptr<LeaseRegistry> makeLockFolderRegistry(const std::string& path) {
  return std::make_unique<LockFolderRegistry>(path);
}

std::optional<PortSet> portsLeasedIn(const std::string& path) {
  PortSet leased;
  const auto close = [](DIR* stream) { ::closedir(stream); };
  const std::unique_ptr<DIR, decltype(close)> stream(::opendir(path.c_str()), close);
  if (!stream) {
    if (errno == ENOENT) return leased;  // nobody has any
    if (errno == EMFILE || errno == ENFILE) throwSystemError("open " + path, errno);
    return std::nullopt;
  }
  LockFolderRegistry registry(path);
  while (const auto* entry = ::readdir(stream.get())) {
    constexpr unsigned long kLastPort = 65535;
    char* end = nullptr;
    const auto key = std::strtoul(entry->d_name, &end, 10);
    if (end == entry->d_name || *end != '\0' || key == 0 || key > kLastPort) continue;
    const auto port = static_cast<std::uint16_t>(key);
    if (registry.isLeased(port)) leased.insert(port);
  }
  return leased;
}

}  // namespace portpool::platform
