#include "command.hpp"

#include <portpool/portpool.hpp>

#include <chrono>
#include <filesystem>
#include <sstream>
#include <thread>

namespace portpool::test {

ProcessResult runPortpool(const Arguments& arguments, const Variables& variables) {
  return runProcess(PORTPOOL_COMMAND, arguments, variables);
}

ProcessResult runScript(const std::string& script, const std::string& shell,
                        const Variables& variables) {
  const auto folder = std::filesystem::path(PORTPOOL_COMMAND).parent_path().string();
  return runProcess("/usr/bin/env", {shell, "-c", "PATH=" + folder + ":$PATH; " + script},
                    variables);
}

bool canIsolate() { return runPortpool({"isolate", "--", "true"}).exitCode == 0; }

std::vector<std::uint16_t> portsIn(const std::string& text) {
  std::istringstream words(text);
  std::vector<std::uint16_t> ports;
  for (std::uint16_t port = 0; words >> port;) ports.push_back(port);
  return ports;
}

bool isLeased(std::uint16_t port) {
  PortPoolOptions options;
  options.waitTime = std::chrono::milliseconds(0);
  PortRequest request;
  request.transport = Transport::UDP;  // which no server of these tests uses
  try {
    PortPool(PortSet{{port, port}}, options).allocate(request);
    return false;
  } catch (const NoPortAvailableError&) {
    return true;
  }
}

void awaitReturnOf(std::uint16_t port) {
  while (isLeased(port)) std::this_thread::yield();
}

}  // namespace portpool::test
