// A static object that is older than anything of portpool's, and so ends after it, uses portpool.

#include <exception>
#include <iostream>

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

}  // namespace

int main() {
  portpool::TCPPortOwner().listen();
  std::cout << "in time" << std::endl;
}
