// Leases by byte-range locks in a file.

#include "lock_file.hpp"

#include "file_locks.hpp"
#include "platform/fork.hpp"
#include "platform/own_leases.hpp"
#include "platform/private_socket.hpp"
#include "platform/process.hpp"
#include "platform/system_error.hpp"
#include "shared_file.hpp"

#include <portpool/errors.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace portpool::platform {
namespace {

using Clock = std::chrono::steady_clock;

/// The lock file at a path, opened anew in a forked child, and when it was removed. The locks
/// belong to the open file description, which a forked child shares: the child must not end them,
/// nor take its own through it. They do not exclude each other: `keys_` does.
class LockFile {
 public:
  explicit LockFile(std::string path) : path_(std::move(path)) { open(); }

  /// Locks the key; returns false if it is locked already. Throws as LeaseRegistry::tryAcquire().
  bool lock(std::uint64_t key) {
    const Turn turn(*this);
    for (;;) {
      prepare();
      if (const auto found = keys_.find(key); found != keys_.end()) {
        // Still locked, only because the system failed to unlock it.
        return std::exchange(found->second, State::Locked) == State::Ending;
      }
      const auto place = keys_.emplace(key, State::Locked).first;
      const int error = lockByte(descriptor_.get(), lockOffset(key));
      if (error == 0 && isAtPath(descriptor_.get(), path_)) return true;
      keys_.erase(place);
      if (error == EAGAIN || error == EACCES) return false;
      if (error != 0) throwSystemError("fcntl on the lock file " + path_, error);
      // The file was removed before it was locked.
    }
  }

  void unlock(std::uint64_t key, std::uint64_t process) noexcept {
    const Turn turn(*this);
    if (process != currentProcess() || process != process_) return;
    if (const auto found = keys_.find(key); found != keys_.end()) end(found);
  }

  bool isLocked(std::uint64_t key) {
    const Turn turn(*this);
    prepare();
    if (keys_.count(key) != 0) return true;
    bool isLocked = false;
    const int error = findLock(descriptor_.get(), lockOffset(key), isLocked);
    if (error != 0) throwSystemError("fcntl on the lock file " + path_, error);
    return isLocked;
  }

 private:
  enum class State { Locked, Ending };  // Ending: returned, but the system failed to unlock it
  using Keys = std::map<std::uint64_t, State>;

  /// One thread at a time, and none while the process forks.
  class Turn {
   public:
    explicit Turn(LockFile& file) : lock_(file.mutex_) {}

   private:
    NoFork noFork_;
    std::lock_guard<std::mutex> lock_;
  };

  /// Throws as makeLockFileRegistry().
  void open();

  /// Sees to it that the open file is this process's, is the one at the path, and has no locks that
  /// were to end.
  void prepare() {
    if (process_ != currentProcess()) {
      keys_.clear();
      open();
    } else if (!isAtPath(descriptor_.get(), path_)) {
      open();
      // Another process may have been faster: both have the port then.
      for (const auto& [key, state] : keys_) {
        lockByte(descriptor_.get(), lockOffset(key));
      }
    }
    for (auto key = keys_.begin(); key != keys_.end();) {
      const auto current = key++;
      if (current->second == State::Ending) end(current);
    }
  }

  void end(Keys::iterator key) noexcept {
    if (unlockByte(descriptor_.get(), lockOffset(key->first)) == 0) {
      keys_.erase(key);
    } else {
      key->second = State::Ending;
    }
  }

  const std::string path_;
  std::mutex mutex_;
  PrivateSocket descriptor_;
  std::uint64_t process_ = 0;
  Keys keys_;
};

void LockFile::open() {
  const auto& path = path_;
  const NoFork noFork;
  constexpr mode_t kEveryUser = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
  makeSharedFile(path, kEveryUser);  // in vain where there are no hard links, or no file
  auto descriptor = openSharedFile(path, O_RDWR, kEveryUser);
  if (!descriptor) {
    const int error = errno;
    if (error == EMFILE || error == ENFILE) throwSystemError("open " + path, error);
    const bool isFolder = error == EROFS || error == ENOSPC || error == EDQUOT;
    struct stat status {};
    const bool isThere = ::lstat(path.c_str(), &status) == 0;
    throw PortPoolError(
        "cannot open the lock file " + path + " (" + std::generic_category().message(error) +
        (isFolder  ? "); mount its folder so that files can be written there, with room for one"
         : isThere ? "); make it a file that every user can write, or remove it"
                   : "); let this user make files in its folder"));
  }
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0) throwSystemError("fstat " + path, errno);
  if (!S_ISREG(status.st_mode)) {
    throw PortPoolError("the lock file " + path + " is not a regular file; remove it");
  }
  descriptor_ = PrivateSocket(std::move(descriptor));
  process_ = currentProcess();
}

class LockFileLease final : public Lease {
 public:
  LockFileLease(std::shared_ptr<LockFile> file, std::uint64_t key)
      : file_(std::move(file)), key_(key) {}
  LockFileLease(const LockFileLease&) = delete;
  LockFileLease& operator=(const LockFileLease&) = delete;
  ~LockFileLease() override {
    own_.reset();  // before another thread has it
    file_->unlock(key_, process_);
  }

  std::optional<std::uint16_t> await(Clock::time_point deadline) override {
    std::this_thread::sleep_until(deadline);
    return std::nullopt;
  }

 private:
  std::shared_ptr<LockFile> file_;
  std::uint64_t key_;
  std::optional<OwnLease> own_{key_};
  std::uint64_t process_ = currentProcess();
};

class LockFileRegistry final : public LeaseRegistry {
 public:
  explicit LockFileRegistry(std::string path)
      : file_(std::make_shared<LockFile>(std::move(path))) {}

  std::unique_ptr<Lease> tryAcquire(std::uint64_t key) override {
    if (!file_->lock(key)) return nullptr;
    try {
      return std::make_unique<LockFileLease>(file_, key);
    } catch (...) {
      file_->unlock(key, currentProcess());
      throw;
    }
  }
  bool isLeased(std::uint64_t key) override { return file_->isLocked(key); }
  bool wake(std::uint64_t /*key*/, std::uint16_t /*port*/) noexcept override { return false; }
  bool hasMessages() const noexcept override { return false; }

 private:
  std::shared_ptr<LockFile> file_;
};

}  // namespace

void checkLocks(const std::string& path) {
  constexpr int kFlags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
  const NoFork noFork;
  const Socket one(::open(path.c_str(), kFlags)), other(::open(path.c_str(), kFlags));
  if (!one || !other) throwSystemError("open " + path, errno);
  // A byte of no key. If another thread tries it now, its attempt fails, as it should.
  constexpr std::uint64_t kFirstUnused = std::uint64_t{1} << 31;
  const auto byte = lockOffset(kFirstUnused + static_cast<std::uint64_t>(pid()));
  const auto isKeptOff = [](int error) { return error == EAGAIN || error == EACCES; };
  const int error = lockByte(one.get(), byte);
  if (isKeptOff(error)) return;
  bool isLocked = false;
  if (error != 0 || !isKeptOff(lockByte(other.get(), byte)) ||
      findLock(other.get(), byte, isLocked) != 0 || !isLocked) {
    throw PortPoolError("the system does not lock " + path +
                        " for one open file against another; leases need that: put it on a local "
                        "file system, and on macOS use 10.15 or later");
  }
}

std::unique_ptr<LeaseRegistry> makeLockFileRegistry(const std::string& path) {
  return std::make_unique<LockFileRegistry>(path);
}

}  // namespace portpool::platform
