#include "diagnosis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <portpool/portpool.hpp>

#include <unistd.h>

#include <csignal>
#include <string>

namespace portpool::test {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::StartsWith;

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
  EXPECT_THAT(result.output, ContainsRegex("warning  variables        .*PORTPOOL_PORT .*\n"
                                           "                          fix: unset PORTPOOL_PORT\n"));
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
    EXPECT_EQ(errors[0]["fix"], "unset " + name);
  }
  const auto diagnosis = diagnose({{"PORTPOOL_ISOLATE", "maybe"}});
  EXPECT_EQ(diagnosis.exitCode, 1);
  EXPECT_EQ(diagnosis.of("isolation", "error")[0]["fix"], "unset PORTPOOL_ISOLATE");
}

TEST(Doctor, FindsVariablesThatDoNotExist) {
  const auto warnings = diagnose({{"PORTPOOL_WAIT_SECOND", "5"}}).of("variables", "warning");
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0]["text"].get<std::string>(), HasSubstr(" PORTPOOL_WAIT_SECONDS"));
  EXPECT_EQ(warnings[0]["fix"], "unset PORTPOOL_WAIT_SECOND");
}

TEST(Doctor, TellsWhereCTestHasItsPortsFrom) {
  const TCPPortOwner owner;
  const auto id = "id:" + std::to_string(owner.port()) + ",slots:1";
  const auto diagnosis =
      diagnose({{"CTEST_RESOURCE_GROUP_COUNT", "1"}, {"CTEST_RESOURCE_GROUP_0_PORTS", id}});
  const auto ports = diagnosis.of("server ports", "warning");
  ASSERT_EQ(ports.size(), 1U) << diagnosis.findings;
  EXPECT_EQ(ports[0]["fix"], nullptr);
  EXPECT_THAT(ports[0]["text"].get<std::string>(),
              HasSubstr("in the resource specification file of CTest"));
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
  const auto few = diagnoseAfter("ulimit -S -n 64");
  ASSERT_EQ(few.of("descriptors", "warning").size(), 1U) << few.findings;
  EXPECT_THAT(few.of("descriptors")[0]["fix"].get<std::string>(), StartsWith("ulimit -n "));
  const auto tooFew = diagnoseAfter("ulimit -n 24");
  EXPECT_EQ(tooFew.of("descriptors", "error").size(), 1U);
  EXPECT_EQ(tooFew.exitCode, 1);
  const auto many = diagnoseAfter("ulimit -S -n 64; ulimit -S -n $(ulimit -H -n)");
  EXPECT_EQ(many.of("descriptors", "ok").size(), 1U);
}

TEST(Doctor, TellsHowToHaveMoreDescriptors) {
  const std::string limit = "ulimit -n 64; ";
  const auto requireFixed = [&](const Json& fix) {
    const auto script = "sudo() { \"$@\"; }; " + limit + fix.get<std::string>();
    const auto fixed = diagnoseAfter(script);
    EXPECT_EQ(fixed.of("descriptors", "ok").size(), 1U) << fix << fixed.findings;
  };
  const auto mayRaise = runScript("ulimit -n 64; ulimit -n 4096").exitCode == 0;
  const auto own = diagnoseAfter("ulimit -n 64").of("descriptors")[0];
  if (mayRaise) {
    requireFixed(own["fix"]);
  } else if (::geteuid() == 0) {
    EXPECT_EQ(own["fix"], nullptr);
    EXPECT_THAT(own["text"].get<std::string>(), HasSubstr("root may not raise the hard limit"));
  }
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users: run this test as root";
  const PublicCommand command;
  const auto others = Diagnosis(runScript(limit + kAsOtherUser + command.path() + " doctor --json"))
                          .of("descriptors")[0];
  EXPECT_EQ(others["fix"], "sudo prlimit --pid $$ --nofile=4096:4096");
  if (mayRaise) requireFixed(others["fix"]);
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

TEST(Doctor, PrintsNothingThatATerminalObeys) {
  const Variables variables{{"PORTPOOL_PORTS_FILE",
                             "/nonexistent\x1b]0;title\a\xc2\x9b"
                             "31m"}};
  const auto text = runPortpool({"doctor"}, variables).output;
  EXPECT_THAT(text, HasSubstr("/nonexistent?]0;title???31m"));
  EXPECT_EQ(text.find_first_of("\x1b\a\x9b"), std::string::npos) << text;
  EXPECT_THAT(diagnose(variables).findings[0]["text"].get<std::string>(),
              HasSubstr("/nonexistent?]0;title???31m"));
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
  const auto fixed =
      diagnoseIsolated(kWiden + "; " + range[0]["fix"].get<std::string>() + " > /dev/null");
  EXPECT_EQ(fixed.of("ephemeral range", "ok").size(), 1U) << fixed.findings;
  EXPECT_EQ(fixed.of("server ports", "warning").size(), 0U);
}

TEST_F(DoctorOfNetworks, FindsServerPortsThatConnectionsMayTake) {
  const auto set = kWiden + "; export PORTPOOL_PORTS=20000-20999";
  const auto exposed = diagnoseIsolated(set).of("server ports", "warning");
  ASSERT_EQ(exposed.size(), 1U) << exposed;
  EXPECT_EQ(exposed[0]["ports"], "20000-20999");
  const auto fixed =
      diagnoseIsolated(set + "; " + exposed[0]["fix"].get<std::string>() + " > /dev/null");
  EXPECT_EQ(fixed.of("server ports", "warning").size(), 0U) << fixed.findings;
  const auto reserved = having(fixed.of("server ports"), "ports", "20000-20999");
  ASSERT_EQ(reserved.size(), 2U);
  EXPECT_THAT(reserved[1]["text"].get<std::string>(), HasSubstr("ip_local_reserved_ports"));
}

TEST_F(DoctorOfNetworks, ReservesManyPortsByOneCommand) {
  const std::string set =
      "echo 32768 60999 > /proc/sys/net/ipv4/ip_local_port_range; "
      "export PORTPOOL_PORTS=$(seq -s, 33001 2 36001)";
  const auto exposed = diagnoseIsolated(set).of("server ports", "warning");
  ASSERT_EQ(exposed.size(), 1U) << exposed;
  EXPECT_THAT(exposed[0]["text"].get<std::string>(), StartsWith("1501 server ports"));
  const auto fixed =
      diagnoseIsolated(set + "; " + exposed[0]["fix"].get<std::string>() + " > /dev/null");
  EXPECT_EQ(fixed.of("server ports", "ok").size(), fixed.of("server ports").size())
      << fixed.findings;
}

TEST_F(DoctorOfNetworks, LeavesPortsToOutgoingConnections) {
  const std::string set = "echo 32768 60999 > /proc/sys/net/ipv4/ip_local_port_range; ";
  const std::string connect =
      " > /dev/null; python3 -c 'import socket\n"
      "server = socket.create_server((\"127.0.0.1\", 20000))\n"
      "socket.create_connection((\"127.0.0.1\", 20000))'";
  for (const std::string ports : {"20000-65535", "1024-65535", "32768-60999", "32768-58000"}) {
    const auto before = set + "export PORTPOOL_PORTS=" + ports;
    const auto exposed = diagnoseIsolated(before).of("server ports", "warning");
    ASSERT_EQ(exposed.size(), 1U) << ports << exposed;
    const auto fix = exposed[0]["fix"].get<std::string>();
    EXPECT_THAT(fix, StartsWith("export PORTPOOL_PORTS=")) << ports;
    const auto fixed = diagnoseIsolated(before + "; " + fix + connect + " || exit");
    EXPECT_EQ(fixed.of("server ports", "warning").size(), 0U) << fix << fixed.findings;
  }
}

TEST_F(DoctorOfNetworks, NarrowsARangeThatLeavesNoOtherPorts) {
  const auto exposed =
      diagnoseIsolated(kWiden + "; export PORTPOOL_PORTS=1024-65535").of("server ports", "warning");
  ASSERT_EQ(exposed.size(), 1U) << exposed;
  EXPECT_EQ(exposed[0]["fix"], "sysctl -w net.ipv4.ip_local_port_range=\"32768 60999\"");
}

TEST_F(DoctorOfNetworks, ReadsReservedPortsAsTheKernelDoes) {
  const std::string file = "/proc/sys/net/ipv4/ip_local_reserved_ports";
  for (const auto& [reserved, shown] :
       Variables{{"0", ""}, {"0,7", "7"}, {"0-1", "1"}, {"0-10,20", "1-10,20"}}) {
    const auto diagnosis = diagnoseIsolated("echo " + reserved + " > " + file);
    EXPECT_EQ(diagnosis.exitCode, 0) << reserved << diagnosis.findings;
    auto ports = Json::array();
    for (const auto& finding : diagnosis.of("server ports")) ports.push_back(finding["ports"]);
    EXPECT_TRUE(shown.empty() || ports.back() == shown) << reserved << ports;
  }
}

TEST(Doctor, FindsThatLoopbackIsDown) {
  if (runScript("unshare --net ip link set lo up").exitCode != 0) {
    GTEST_SKIP() << "NOT TESTED: this user may not configure a network";
  }
  const auto run = [](const std::string& before) {
    return Diagnosis(runScript("unshare --net sh -c '" + before + "portpool doctor --json'"));
  };
  const auto diagnosis = run("");
  EXPECT_EQ(diagnosis.exitCode, 1);
  const auto errors = diagnosis.of("loopback", "error");
  ASSERT_EQ(errors.size(), 1U) << diagnosis.findings;
  const auto fixed = run(errors[0]["fix"].get<std::string>() + "; ");
  EXPECT_EQ(fixed.exitCode, 0) << fixed.findings;
  EXPECT_EQ(fixed.of("loopback", "ok").size(), 1U) << fixed.findings;
}

TEST(Doctor, FindsThatRightsAreMissing) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users: run this test as root";
  const PublicCommand command;
  for (const auto* const as : {kAsOtherUser,
                               "setpriv --bounding-set -net_bind_service --inh-caps "
                               "-net_bind_service "}) {
    const auto run = [&](const std::string& before) {
      return Diagnosis(runScript("unshare --net sh -c '" + before + "PORTPOOL_PORTS=600-699 " + as +
                                 command.path() + " doctor --json'"));
    };
    const auto diagnosis = run("");
    EXPECT_EQ(diagnosis.exitCode, 1) << as;
    const auto errors = diagnosis.of("server ports", "error");
    ASSERT_EQ(errors.size(), 1U) << as << diagnosis.findings;
    EXPECT_EQ(errors[0]["ports"], "600-699");
    const auto fixed = run(errors[0]["fix"].get<std::string>() + " > /dev/null; ");
    EXPECT_EQ(fixed.of("server ports", "error").size(), 0U) << as << fixed.findings;
  }
  const auto allowed = Diagnosis(
      runScript("PORTPOOL_PORTS=600-699 unshare --net " + command.path() + " doctor --json"));
  EXPECT_EQ(allowed.of("server ports", "error").size(), 0U) << allowed.findings;
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

}  // namespace
}  // namespace portpool::test
