// Leases by abstract names.

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include <portpool/adapter.hpp>
#include <portpool/portpool.hpp>

#include "bind_log.hpp"
#include "fork.hpp"
#include "platform/linux/lease_name.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

TEST(AbstractName, ThatCannotBeBoundIsAnErrorUnlessItIsTaken) {
  PortPool pool(freshPorts(1), impatient());
  {
    BindLog log;
    log.before = [](const std::string& call) { return call[0] == 'l' ? ENOMEM : 0; };
    EXPECT_THAT([&] { pool.allocate(); },
                ThrowsMessage<PortPoolError>(
                    AllOf(HasSubstr("bind for a lease"), Not(HasSubstr("became free")))));
  }
  EXPECT_NE(pool.allocate().port(), 0);
}

void expectSaysWhatToAllow() {
  EXPECT_THAT([] { const PortPool pool(getServerTCPPorts()); },
              ThrowsMessage<PortPoolError>(AllOf(HasSubstr("refuses this process AF_UNIX sockets"),
                                                 HasSubstr("RestrictAddressFamilies"))));
}

TEST(AbstractName, WhoseSocketTheSystemRefusesIsAnErrorOfThePool) {
  for (const int error : {EPERM, EACCES, EAFNOSUPPORT}) {
    checkInFreshProcess([&] {
      failCall(SYS_socket, 0, AF_UNIX, error);
      expectSaysWhatToAllow();
      EXPECT_THAT(processPoolFault(), HasSubstr("RestrictAddressFamilies"));
    });
  }
}

TEST(AbstractName, ThatASecurityModuleRefusesIsAnErrorOfThePool) {
  BindLog log;
  log.before = [](const std::string& /*call*/) { return EACCES; };
  expectSaysWhatToAllow();
}

// As net/unix/af_unix.c finds the place of an abstract name among 256.
TEST(AbstractName, SpreadsOverTheKernelsTable) {
  std::array<int, 256> counts{};
  for (unsigned port = 1024; port < 65536; ++port) {
    const auto name =
        std::string("\1\0\0", 3).append(platform::LeaseName(port).text());  // with AF_UNIX
    unsigned sum = 0;
    for (std::size_t i = 0; i < name.size(); ++i) {
      sum += static_cast<unsigned>(static_cast<unsigned char>(name[i])) << (i % 2 == 0 ? 0 : 8);
    }
    while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
    const unsigned folded = ~sum & 0xFFFF;
    constexpr unsigned kDatagram = 2;
    ++counts[(folded ^ (folded >> 8) ^ kDatagram) & 0xFF];
  }
  EXPECT_LT(*std::max_element(counts.begin(), counts.end()), 3 * 64512 / 256);
}

}  // namespace
}  // namespace portpool::test
