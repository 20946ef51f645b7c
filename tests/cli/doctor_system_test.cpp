#include "cross_process/fork.hpp"
#include "diagnosis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <portpool/portpool.hpp>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace portpool::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// ---- What the system refuses --------------------------------------------------------------------

TEST(Doctor, FindsThatNamespacesAreRefused) {
  EXPECT_TRUE(succeedsInChild([] {
    refuseNamespaces();
    const auto unused = diagnose();
    const auto warnings = unused.of("isolation", "warning");
    require(warnings.size() == 1, unused.findings.dump().c_str());
    require(warnings[0]["fix"].is_null(), "a fix, though no command fixes it");
    require(warnings[0]["text"].get<std::string>().find("seccomp=unconfined") != std::string::npos,
            unused.findings.dump().c_str());
    const auto tried = diagnose({{"PORTPOOL_ISOLATE", "try"}});
    require(tried.of("isolation", "warning").size() == 1, "try: no warning");
    const auto used = diagnose({{"PORTPOOL_ISOLATE", "1"}});
    require(used.of("isolation", "error").size() == 1, used.findings.dump().c_str());
    require(used.exitCode == 1, "PORTPOOL_ISOLATE=1 fails");
  }));
}

TEST(Doctor, FindsThatNamespacesAreOff) {
  if (!canIsolate()) GTEST_SKIP() << "NOT TESTED: there are no networks of one's own here";
  // Below a namespace of its own, whose root may set the limit of those below.
  const auto diagnosis = diagnoseIsolated("echo 0 > /proc/sys/user/max_user_namespaces");
  const auto warnings = diagnosis.of("isolation", "warning");
  if (warnings.empty()) GTEST_SKIP() << "this user may not limit namespaces";
  EXPECT_EQ(warnings[0]["fix"], "sysctl -w user.max_user_namespaces=10000");
}

TEST(Doctor, FindsThatNoNamespaceIsLeft) {
  if (!canIsolate()) GTEST_SKIP() << "NOT TESTED: there are no networks of one's own here";
  // The network in which this runs is the only one that its user namespace may have.
  const std::string limit = "echo 1 > /proc/sys/user/max_net_namespaces";
  const auto warnings = diagnoseIsolated(limit).of("isolation", "warning");
  if (warnings.empty()) GTEST_SKIP() << "this user may not limit namespaces";
  EXPECT_EQ(warnings[0]["fix"], "sysctl -w user.max_net_namespaces=10000");
  const auto fixed =
      diagnoseIsolated(limit + "; " + warnings[0]["fix"].get<std::string>() + " > /dev/null");
  EXPECT_EQ(fixed.of("isolation", "ok").size(), 1U) << fixed.findings;
}

TEST(Doctor, SaysWhatItCannotSeeWithoutProc) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can mount: run this test as root";
  const TCPPortOwner owner;
  EXPECT_TRUE(succeedsInChild([] {
    hideProc();
    const auto diagnosis = diagnose({{"_", "of a shell"}});
    const auto text = diagnosis.findings.dump();
    require(diagnosis.exitCode == 1, text.c_str());
    for (const auto* check : {"ephemeral range", "leases", "programs", "isolation"}) {
      const auto fixes = having(diagnosis.of(check), "fix", "mount -t proc proc /proc");
      require(fixes.size() == 1, text.c_str());
    }
    require(text.find("leased now") == std::string::npos, text.c_str());
    require(text.find("\"unset ") == std::string::npos, text.c_str());
  }));
}

TEST(Doctor, SaysThatIsolationWorksWhereItDoes) {
  if (!canIsolate()) GTEST_SKIP() << "NOT TESTED: there are no networks of one's own here";
  for (const auto* mode : {"0", "1", "try"}) {
    const auto diagnosis = diagnose({{"PORTPOOL_ISOLATE", mode}});
    EXPECT_EQ(diagnosis.of("isolation", "ok").size(), 1U) << diagnosis.findings;
    EXPECT_TRUE(diagnosis.of("variables", "error").empty()) << diagnosis.findings;
  }
}

TEST(Doctor, FindsThatLeasesAreRefused) {
  EXPECT_TRUE(succeedsInChild([] {
    failCall(SYS_socket, 0, AF_UNIX, EPERM);
    const auto diagnosis = diagnose();
    const auto errors = having(diagnosis.findings, "severity", "error");
    require(errors.size() == 1, diagnosis.findings.dump().c_str());
    require(errors.dump().find("RestrictAddressFamilies") != std::string::npos,
            errors.dump().c_str());
    require(diagnosis.exitCode == 1, "nothing fails");
  }));
}

// ---- Programs -----------------------------------------------------------------------------------

/// A server on a port that nobody leases.
class StrangeServer {
 public:
  StrangeServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    port = std::to_string(bindPort(socket_.nativeHandle()));
    ::listen(socket_.nativeHandle(), 1);
  }
  std::string port;

 private:
  ListeningSocket socket_;
};

TEST(Doctor, FindsProgramsOnManyServerPorts) {
  const StrangeServer one, two;
  const auto some = diagnose({{"PORTPOOL_PORTS", one.port + ',' + two.port + ",20000-20010"}});
  const auto warnings = some.of("programs", "warning");
  ASSERT_EQ(warnings.size(), 1U) << some.findings;
  EXPECT_EQ(warnings[0]["fix"], "kill " + std::to_string(::getpid()));
  EXPECT_THAT(warnings[0]["text"].get<std::string>(), StartsWith("15 % of the server ports"));
  EXPECT_TRUE(some.of("programs", "error").empty());
  const auto few = diagnose({{"PORTPOOL_PORTS", one.port + ',' + two.port + ",20000-20999"}});
  EXPECT_TRUE(few.of("programs", "warning").empty()) << few.findings;
  const auto all = diagnose({{"PORTPOOL_PORTS", one.port + ',' + two.port}});
  EXPECT_EQ(all.of("programs", "error").size(), 1U) << all.findings;
  EXPECT_EQ(all.exitCode, 1);
}

TEST(Doctor, SaysHowToSeeProgramsThatAreNotShown) {
  const StrangeServer server;
  const auto set = "PORTPOOL_PORTS=" + server.port + ' ';
  const auto result = runScript(set + "unshare --pid --fork --mount-proc portpool doctor --json");
  if (result.output.empty()) GTEST_SKIP() << result.errors;
  const auto found = Diagnosis(result).of("programs", "warning");
  ASSERT_EQ(found.size(), 1U) << found;
  EXPECT_THAT(found[0]["text"].get<std::string>(), HasSubstr("run this outside"));
  EXPECT_EQ(found[0]["fix"], nullptr);
  const PublicCommand command;
  const auto others = Diagnosis(runScript(set + kAsOtherUser + command.path() + " doctor --json"))
                          .of("programs", "warning");
  ASSERT_EQ(others.size(), 1U) << others;
  EXPECT_THAT(others[0]["text"].get<std::string>(), HasSubstr("run this as root"));
  EXPECT_EQ(others[0]["fix"], nullptr);
}

TEST(Doctor, DoesNotCountTheServersOfTests) {
  TCPPortOwner owner;
  const auto server = owner.listen();
  const auto diagnosis = diagnose({{"PORTPOOL_PORTS", std::to_string(owner.port())}});
  EXPECT_EQ(diagnosis.of("programs").size(), 1U);
  EXPECT_EQ(diagnosis.of("programs", "ok").size(), 1U) << diagnosis.findings;
}

}  // namespace
}  // namespace portpool::test
