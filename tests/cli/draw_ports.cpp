// Does with this process's pool what its arguments say, and prints the ports that it gets.

#include <sys/wait.h>
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include <portpool/portpool.hpp>

int main(int argc, char** argv) {
  using namespace portpool;
  std::vector<TCPPortOwner> owners;
  try {
    for (const auto& step : std::vector<std::string>(argv + 1, argv + argc)) {
      if (step == "take") {
        owners.emplace_back();
        std::cout << owners.back().port() << std::endl;
      } else if (step == "return") {
        owners.pop_back();
      } else if (step == "isolate") {
        isolate();
      } else if (step == "fork") {
        if (const auto child = ::fork(); child != 0) {  // which does the rest
          ::waitpid(child, nullptr, 0);
          return 0;
        }
      }
    }
  } catch (const PortServerError& error) {
    std::cerr << "PortServerError: " << error.what() << std::endl;
    return 1;
  } catch (const PortPoolError& error) {
    std::cerr << error.what() << std::endl;
    return 1;
  }
}
