// What a test program pays for its first port: `first_port 1` allocates one port, `first_port 0`
// none.

#include <string_view>

#include <portpool/portpool.hpp>

int main(int count, char** arguments) {
  if (count != 2 || arguments[1] != std::string_view("1")) return 0;
  return portpool::TCPPortOwner().port() == 0 ? 1 : 0;
}
