// Debian's portpicker, as it is, as a client of `portpool serve`.

#include "port_server_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <portpool/portpool.hpp>

#include <csignal>
#include <string>

namespace portpool::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kPython = "/usr/bin/python3";  // for which Debian packages portpicker

class Portpicker : public ::testing::Test {
 protected:
  void SetUp() override {
    if (runProcess(kPython, {"-c", "import portpicker"}).exitCode != 0) {
      GTEST_SKIP() << "NOT TESTED with portpicker: install python3-portpicker";
    }
  }

  const std::string address = newAddress();
};

TEST_F(Portpicker, DrawsLeasedPortsFromPortpool) {
  const auto server = serveAt(address);
  const auto result = runProcess(
      kPython,
      {"-c",
       "import os, portpicker, subprocess, sys\n"
       "for i in range(5):\n"
       "  port = portpicker.pick_unused_port()\n"
       "  environment = dict(os.environ, PORTPOOL_PORTS=str(port), PORTPOOL_WAIT_SECONDS='0')\n"
       "  print(port, subprocess.run([sys.argv[1], 'get'], env=environment).returncode)\n",
       PORTPOOL_COMMAND},
      {{"PORTSERVER_ADDRESS", address}});
  const auto numbers = portsIn(result.output);
  ASSERT_EQ(numbers.size(), 10U) << result.output << result.errors;
  for (std::size_t i = 0; i < numbers.size(); i += 2) {
    EXPECT_EQ(numbers[i + 1], 1) << "portpool gets the port, too";
    awaitReturnOf(numbers[i]);
  }
}

TEST_F(Portpicker, DrawsForAnotherProcessFromPortpool) {
  const auto server = serveAt(address);
  Idler shell;
  const auto result = runProcess(kPython, {"-m", "portpicker", std::to_string(shell.pid())},
                                 {{"PORTSERVER_ADDRESS", address}});
  const auto ports = portsIn(result.output);
  ASSERT_EQ(ports.size(), 1U) << result.errors;
  EXPECT_TRUE(isLeased(ports[0]));
  shell.kill();
  awaitReturnOf(ports[0]);
}

TEST_F(Portpicker, IsToldThatPortpoolHasNone) {
  const TCPPortOwner owner;
  const auto server = serveAt(address, {"--ports", std::to_string(owner.port())});
  const auto result = runProcess(
      kPython,
      {"-c", "import portpicker; print(portpicker.get_port_from_port_server('" + address + "'))"});
  EXPECT_EQ(result.output, "None\n");
  EXPECT_THAT(result.errors, HasSubstr("Portserver failed to find a port"));
  EXPECT_EQ(server->end(SIGTERM), 0);
  EXPECT_THAT(server->said(), HasSubstr("no TCP port became free"));
}

}  // namespace
}  // namespace portpool::test
