// Uses ports until its very end: a static object that is older than anything of portpool's, and so
// ends after it, takes one. With an argument, threads take ports while it exits, with 7.

#include <cstdlib>
#include <exception>
#include <iostream>
#include <thread>

#include <portpool/portpool.hpp>

namespace {

class LateUser {
 public:
  ~LateUser() {
    try {
      portpool::TCPPortOwner owner;
      owner.listen();
      std::cout << "late" << std::endl;
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
