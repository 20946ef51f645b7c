// Uses ports until its very end: a static object that is older than anything of portpool's, and so
// ends after it, takes one. With an argument, threads take ports while it exits, with 7.

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <thread>

#include <portpool/portpool.hpp>

#include "platform/windows/handle.hpp"
#include "platform/windows/windows.hpp"

namespace {

/// Whether other processes see it leased, by its documented name.
bool isLeased(std::uint16_t port) {
  const auto name = L"Global\\portpool-" + std::to_wstring(port);
  const portpool::platform::Handle lease(::OpenEventW(SYNCHRONIZE, FALSE, name.c_str()));
  return lease != nullptr;
}

class LateUser {
 public:
  ~LateUser() {
    try {
      portpool::TCPPortOwner owner;
      owner.listen();
      std::cout << (isLeased(owner.port()) ? "late" : "late, but not leased") << std::endl;
    } catch (const std::exception& error) {
      std::cerr << error.what() << std::endl;
    }
  }
};
const LateUser lateUser;

void takePortsForEver() {
  for (;;) portpool::TCPPortOwner().listen();
}

}  // namespace

int main(int argc, char** /*argv*/) {
  portpool::TCPPortOwner().listen();
  std::cout << "in time" << std::endl;
  if (argc == 1) return 0;
  constexpr int kThreads = 6;
  for (int i = 0; i < kThreads; ++i) std::thread(takePortsForEver).detach();
  std::exit(7);
}
