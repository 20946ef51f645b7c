// Leases by named kernel objects. An object lives as long as some process has a handle of it, so
// who makes it has the lease, until the handle is closed or the process ends.

#include "leases.hpp"

#include "handle.hpp"
#include "platform/lease.hpp"
#include "platform/own_leases.hpp"
#include "platform/system_error.hpp"
#include "windows.hpp"

#include <string>
#include <thread>
#include <utility>

namespace portpool::platform {
namespace {

using Clock = std::chrono::steady_clock;

/// A new object of that name that every user may look for; null, with the error, if there is one or
/// the system refuses it.
Handle makeObject(const std::wstring& name) {
  // With an access list that is null, not empty: it allows everything to everybody.
  SECURITY_DESCRIPTOR everybody{};
  ::InitializeSecurityDescriptor(&everybody, SECURITY_DESCRIPTOR_REVISION);
  ::SetSecurityDescriptorDacl(&everybody, TRUE, nullptr, FALSE);
  SECURITY_ATTRIBUTES attributes{sizeof attributes, &everybody, FALSE};
  Handle object(
      ::CreateEventExW(&attributes, name.c_str(), CREATE_EVENT_MANUAL_RESET, SYNCHRONIZE));
  if (::GetLastError() == ERROR_ALREADY_EXISTS) object.reset();
  return object;
}

/// The folder of the names: the names of every session, unless the system refuses them to this
/// process, as to an app container; then the names of its session. A literal is never destroyed:
/// static objects and threads lease ports until the process is gone.
const wchar_t* folder() {
  static const wchar_t* const folder = [] {
    const auto own = L"portpool-check-" + std::to_wstring(::GetCurrentProcessId());
    const bool isAllowed = makeObject(L"Global\\" + own) || ::GetLastError() != ERROR_ACCESS_DENIED;
    return isAllowed ? L"Global\\portpool-" : L"Local\\portpool-";
  }();
  return folder;
}

std::wstring nameOf(std::uint64_t key) { return folder() + std::to_wstring(key); }

/// Whether that error of a call for a name says that another has it: also an object of another
/// kind, or one that this user may not look at.
bool isOfAnother(DWORD error) {
  return error == ERROR_ALREADY_EXISTS || error == ERROR_INVALID_HANDLE ||
         error == ERROR_ACCESS_DENIED;
}

class NamedLease final : public Lease {
 public:
  NamedLease(Handle object, std::uint64_t key) : object_(std::move(object)), own_(key) {}

  std::optional<std::uint16_t> await(Clock::time_point deadline) override {
    std::this_thread::sleep_until(deadline);
    return std::nullopt;
  }

 private:
  Handle object_;
  OwnLease own_;
};

class NamedRegistry final : public LeaseRegistry {
 public:
  std::unique_ptr<Lease> tryAcquire(std::uint64_t key) override {
    auto object = makeObject(nameOf(key));
    if (object) return std::make_unique<NamedLease>(std::move(object), key);
    const auto error = ::GetLastError();
    if (isOfAnother(error)) return nullptr;
    throwSystemError("CreateEvent", static_cast<int>(error));
  }
  bool isLeased(std::uint64_t key) override { return platform::isLeased(key); }
  bool wake(std::uint64_t /*key*/, std::uint16_t /*port*/) noexcept override { return false; }
  bool hasMessages() const noexcept override { return false; }
};

}  // namespace

bool isLeased(std::uint64_t key) {
  const Handle object(::OpenEventW(SYNCHRONIZE, FALSE, nameOf(key).c_str()));
  if (object) return true;
  const auto error = ::GetLastError();
  if (error == ERROR_FILE_NOT_FOUND) return false;
  if (isOfAnother(error)) return true;
  throwSystemError("OpenEvent", static_cast<int>(error));
}

std::unique_ptr<LeaseRegistry> makeLeaseRegistry() { return std::make_unique<NamedRegistry>(); }

}  // namespace portpool::platform
