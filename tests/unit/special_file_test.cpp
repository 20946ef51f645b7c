// Files of ports that are none.

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <string>

#include <portpool/errors.hpp>
#include <portpool/server_ports.hpp>

#include "ports_file.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

TEST(PortsFile, ThatMayNotBeReadIsAnError) {
  checkInChild([] {
    const ScopedFolder folder;
    const auto path = folder.file("ports", "20000");
    ::chmod(path.c_str(), 0);
    giveUpCapabilities();
    expectFileError(path, "cannot be read");
  });
}

TEST(PortsFile, ThatIsNoRegularFileIsAnErrorAtOnce) {
  expectFileError("/dev/zero", "is larger than 1 MiB");
  const ScopedFolder folder;
  const auto fifo = folder.path("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0666), 0);
  const ScopedEnvironment variable("PORTPOOL_PORTS_FILE", fifo);
  EXPECT_THAT([] { getServerTCPPorts(); },
              ::testing::ThrowsMessage<PortSpecificationError>(
                  ::testing::HasSubstr("PORTPOOL_PORTS_FILE=\"" + fifo + "\": names no port")));
}

}  // namespace
}  // namespace portpool::test
