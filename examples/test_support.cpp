#include "test_support.hpp"

#include <random>
#include <sstream>
#include <thread>

std::string randomToken() {
  std::random_device device;
  std::ostringstream token;
  token << std::hex << device() << device();
  return token.str();
}

void waitUntil(const std::string& what, const std::function<bool()>& condition,
               std::chrono::seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("waited " + std::to_string(patience.count()) +
                               " s in vain: " + what);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}
