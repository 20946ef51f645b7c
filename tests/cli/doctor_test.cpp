#include "answers.hpp"
#include "cross_process/fork.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <portpool/portpool.hpp>

#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace portpool::test {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Diagnosis {
  explicit Diagnosis(const ProcessResult& result)
      : exitCode(result.exitCode), findings(jsonOf(result)["findings"]) {}

  /// The findings of that check, and of a severity unless it is "".
  Json of(const char* check, const std::string& severity = "") const {
    auto found = having(findings, "check", check);
    return severity.empty() ? found : having(found, "severity", severity);
  }

  int exitCode;
  Json findings;
};

Diagnosis diagnose(const Variables& variables = {}) {
  return Diagnosis(runPortpool({"doctor", "--json"}, variables));
}

Diagnosis diagnoseAfter(const std::string& script, const std::string& command = "portpool") {
  return Diagnosis(runScript(script + "; " + command + " doctor --json"));
}

/// In a network of its own, after a script that may change its settings.
Diagnosis diagnoseIsolated(const std::string& script) {
  return Diagnosis(runPortpool(
      {"isolate", "--", "sh", "-c", script + "; exec " PORTPOOL_COMMAND " doctor --json"}));
}

TEST(Doctor, SaysWhichPortsTestsGetAndWhy) {
  const auto diagnosis = diagnose();
  const auto range = getEphemeralTCPPortRange();
  EXPECT_EQ(diagnosis.of("ephemeral range")[0]["ports"], PortSet{range}.toString());
  const auto ports = diagnosis.of("server ports");
  EXPECT_EQ(ports[0]["ports"], getServerTCPPorts().toString());
  EXPECT_THAT(ports[1]["text"].get<std::string>(),
              HasSubstr("/proc/sys/net/ipv4/ip_local_port_range"));
  EXPECT_EQ(ports[2]["ports"], excludedTCPPorts().toString());
  EXPECT_THAT(diagnosis.of("leases")[0]["text"].get<std::string>(),
              StartsWith("by abstract AF_UNIX names"));
}

TEST(Doctor, CountsLeases) {
  const TCPPortOwner owner;
  const auto leases = diagnose().of("leases")[1];
  EXPECT_TRUE(parsePortSet(leases["ports"].get<std::string>()).contains(owner.port())) << leases;
  EXPECT_THAT(leases["text"].get<std::string>(), ContainsRegex("leased now, by [0-9]+ program"));
}

TEST(Doctor, PrintsAlignedLines) {
  const auto result = runPortpool({"doctor"}, {{"PORTPOOL_PORT", "1"}});
  EXPECT_THAT(result.output, ContainsRegex("\nok       server ports     [0-9]+-"));
  EXPECT_THAT(result.output,
              ContainsRegex("warning  variables        .*PORTPOOL_PORT .*\n"
                            "                          mend: unset PORTPOOL_PORT\n"));
  EXPECT_EQ(result.errors, "");
}

TEST(Doctor, FindsVariablesThatAreWrong) {
  for (const auto& [name, value] : Variables{{"PORTPOOL_PORTS", "20000-x"},
                                             {"PORTPOOL_PORTS_FILE", "/nonexistent"},
                                             {"PORTPOOL_WAIT_SECONDS", "soon"},
                                             {"PORTPOOL_LEAKS", "maybe"}}) {
    const auto diagnosis = diagnose({{name, value}});
    EXPECT_EQ(diagnosis.exitCode, 1);
    const auto errors = diagnosis.of("variables", "error");
    ASSERT_EQ(errors.size(), 1U) << name << diagnosis.findings;
    EXPECT_THAT(errors[0]["text"].get<std::string>(), HasSubstr(value));
    EXPECT_EQ(errors[0]["mend"], "unset " + name);
  }
  const auto diagnosis = diagnose({{"PORTPOOL_ISOLATE", "maybe"}});
  EXPECT_EQ(diagnosis.exitCode, 1);
  EXPECT_EQ(diagnosis.of("isolation", "error")[0]["mend"], "unset PORTPOOL_ISOLATE");
}

TEST(Doctor, TakesNoSettingThatIsRightForAFault) {
  const auto diagnosis =
      diagnose({{"PORTPOOL_VERBOSE", "1"}, {"PORTPOOL_LEAKS", "fail"}, {"PORTPOOL_HOLD", "1"}});
  EXPECT_EQ(diagnosis.of("variables", "ok").size(), 1U) << diagnosis.findings;
}

TEST(Doctor, SaysNothingTwice) {
  const auto findings = diagnose({{"PORTPOOL_PORTS", "20000-x"}}).findings;
  for (const auto& finding : findings) {
    EXPECT_EQ(having(findings, "text", finding["text"]).size(), 1U) << finding;
  }
}

TEST(Doctor, FindsFewDescriptors) {
  const auto few = diagnoseAfter("ulimit -n 64");
  ASSERT_EQ(few.of("descriptors", "warning").size(), 1U) << few.findings;
  EXPECT_THAT(few.of("descriptors")[0]["mend"].get<std::string>(), StartsWith("ulimit -n "));
  const auto tooFew = diagnoseAfter("ulimit -n 24");
  EXPECT_EQ(tooFew.of("descriptors", "error").size(), 1U);
  EXPECT_EQ(tooFew.exitCode, 1);
  const auto many = diagnoseAfter("ulimit -S -n 64; ulimit -S -n $(ulimit -H -n)");
  EXPECT_EQ(many.of("descriptors", "ok").size(), 1U);
}

TEST(Doctor, FindsFewServerPorts) {
  const TCPPortOwner owner;
  const auto port = std::to_string(owner.port());
  const auto diagnosis = diagnose({{"PORTPOOL_PORTS", port}});
  const auto ports = diagnosis.of("server ports");
  EXPECT_EQ(ports[0]["severity"], "warning");
  EXPECT_EQ(ports[0]["ports"], port);
  EXPECT_THAT(ports[0]["text"].get<std::string>(), HasSubstr("by PORTPOOL_PORTS"));
  EXPECT_THAT(ports[1]["text"].get<std::string>(), HasSubstr("left out by PORTPOOL_PORTS"));
}

TEST(Doctor, NamesTheFileOfPorts) {
  const auto diagnosis = diagnoseAfter(
      "file=$(mktemp); echo 20000-20999 > $file; trap \"rm $file\" EXIT; "
      "export PORTPOOL_PORTS_FILE=$file");
  EXPECT_THAT(diagnosis.of("server ports")[0]["text"].get<std::string>(),
              ContainsRegex("by the file /.* \\(PORTPOOL_PORTS_FILE\\)"));
}

// ---- The network's settings ---------------------------------------------------------------------

class DoctorOfNetworks : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto result =
        runPortpool({"isolate", "--", "sh", "-c", kWiden + "; which sysctl && echo changed"});
    if (result.output.find("changed") == std::string::npos) {
      GTEST_SKIP() << "this user may not change the settings of a network: " << result.errors;
    }
  }

  const std::string kWiden = "echo 1024 65535 > /proc/sys/net/ipv4/ip_local_port_range";
};

TEST_F(DoctorOfNetworks, FindsAWideEphemeralRange) {
  const auto wide = diagnoseIsolated(kWiden);
  const auto range = wide.of("ephemeral range", "warning");
  ASSERT_EQ(range.size(), 1U) << wide.findings;
  EXPECT_EQ(wide.exitCode, 0) << wide.findings;
  const auto mended =
      diagnoseIsolated(kWiden + "; " + range[0]["mend"].get<std::string>() + " > /dev/null");
  EXPECT_EQ(mended.of("ephemeral range", "ok").size(), 1U) << mended.findings;
  EXPECT_EQ(mended.of("server ports", "warning").size(), 0U);
}

TEST_F(DoctorOfNetworks, FindsServerPortsThatConnectionsMayTake) {
  const auto set = kWiden + "; export PORTPOOL_PORTS=20000-20999";
  const auto exposed = diagnoseIsolated(set).of("server ports", "warning");
  ASSERT_EQ(exposed.size(), 1U) << exposed;
  EXPECT_EQ(exposed[0]["ports"], "20000-20999");
  const auto mended =
      diagnoseIsolated(set + "; " + exposed[0]["mend"].get<std::string>() + " > /dev/null");
  EXPECT_EQ(mended.of("server ports", "warning").size(), 0U) << mended.findings;
  const auto reserved = having(mended.of("server ports"), "ports", "20000-20999");
  ASSERT_EQ(reserved.size(), 2U);
  EXPECT_THAT(reserved[1]["text"].get<std::string>(), HasSubstr("ip_local_reserved_ports"));
}

TEST(Doctor, FindsPortsThatThisUserMayNotBind) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users: run this test as root";
  const PublicCommand command;
  const auto run = [&](const std::string& limit, const std::string& ports) {
    return Diagnosis(runScript("unshare --net sh -c 'echo " + limit +
                               " > /proc/sys/net/ipv4/ip_unprivileged_port_start; " + ports +
                               kAsOtherUser + command.path() + " doctor --json'"));
  };
  const auto some = run("2000", "");
  ASSERT_EQ(some.of("server ports", "warning").size(), 1U) << some.findings;
  EXPECT_THAT(some.of("server ports", "warning")[0]["ports"].get<std::string>(),
              ContainsRegex("^1024-.*-1999$"));
  const auto all = run("2000", "PORTPOOL_PORTS=1100-1199 ");
  EXPECT_EQ(all.of("server ports", "error").size(), 1U);
  EXPECT_EQ(all.exitCode, 1);
}

// ---- What the system refuses --------------------------------------------------------------------

TEST(Doctor, FindsThatNamespacesAreRefused) {
  EXPECT_TRUE(succeedsInChild([] {
    refuseNamespaces();
    const auto unused = diagnose();
    const auto warnings = unused.of("isolation", "warning");
    require(warnings.size() == 1, unused.findings.dump().c_str());
    require(!warnings[0]["mend"].is_null(), "no mend");
    const auto tried = diagnose({{"PORTPOOL_ISOLATE", "try"}});
    require(tried.of("isolation", "warning").size() == 1, "try: no warning");
    const auto used = diagnose({{"PORTPOOL_ISOLATE", "1"}});
    require(used.of("isolation", "error").size() == 1, used.findings.dump().c_str());
    require(used.exitCode == 1, "PORTPOOL_ISOLATE=1 fails");
  }));
}

TEST(Doctor, FindsThatNamespacesAreOff) {
  // Below a namespace of its own, whose root may set the limit of those below.
  const auto diagnosis = diagnoseIsolated("echo 0 > /proc/sys/user/max_user_namespaces");
  const auto warnings = diagnosis.of("isolation", "warning");
  if (warnings.empty()) GTEST_SKIP() << "this user may not limit namespaces";
  EXPECT_EQ(warnings[0]["mend"], "sysctl -w user.max_user_namespaces=10000");
}

TEST(Doctor, SaysThatIsolationWorksWhereItDoes) {
  if (runPortpool({"isolate", "--", "true"}).exitCode != 0) GTEST_SKIP();
  for (const auto* mode : {"0", "1", "try"}) {
    const auto diagnosis = diagnose({{"PORTPOOL_ISOLATE", mode}});
    EXPECT_EQ(diagnosis.of("isolation", "ok").size(), 1U) << diagnosis.findings;
    EXPECT_TRUE(diagnosis.of("variables", "error").empty()) << diagnosis.findings;
  }
}

TEST(Doctor, SaysThatLeasesAreLocksWhereNamesAreRefused) {
  EXPECT_TRUE(succeedsInChild([] {
    refuseAbstractNames();
    const auto diagnosis = diagnose();
    require(diagnosis.of("leases")[0]["text"].get<std::string>().find("/tmp/portpool.lock") !=
                std::string::npos,
            diagnosis.findings.dump().c_str());
    require(diagnosis.exitCode == 0, diagnosis.findings.dump().c_str());
  }));
}

TEST(Doctor, FindsALockFileThatIsOfNoUse) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can put a device there: run this test as root";
  EXPECT_TRUE(succeedsInChild([] {
    refuseAbstractNames();
    { const PortPool makesTheLockFile(getServerTCPPorts()); }
    require(::unshare(CLONE_NEWNS) == 0 &&
                ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                ::mount("/dev/null", "/tmp/portpool.lock", nullptr, MS_BIND, nullptr) == 0,
            "mount");
    const auto diagnosis = diagnose();
    require(diagnosis.exitCode == 1, "nothing fails");
    const auto errors = having(diagnosis.findings, "severity", "error");
    require(errors.dump().find("/tmp/portpool.lock is not a regular file") != std::string::npos,
            errors.dump().c_str());
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
  EXPECT_EQ(warnings[0]["mend"], "kill " + std::to_string(::getpid()));
  EXPECT_THAT(warnings[0]["text"].get<std::string>(), StartsWith("15 % of the server ports"));
  EXPECT_TRUE(some.of("programs", "error").empty());
  const auto few = diagnose({{"PORTPOOL_PORTS", one.port + ',' + two.port + ",20000-20999"}});
  EXPECT_TRUE(few.of("programs", "warning").empty()) << few.findings;
  const auto all = diagnose({{"PORTPOOL_PORTS", one.port + ',' + two.port}});
  EXPECT_EQ(all.of("programs", "error").size(), 1U) << all.findings;
  EXPECT_EQ(all.exitCode, 1);
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
