// Which ports an audit finds, and what it says of them.

#include "audited.hpp"
#include "support/temporary_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <portpool/portpool.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace portpool::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class AuditOfPorts : public IsolatedAudit {};

TEST_F(AuditOfPorts, SaysWhoTakesAPortByItself) {
  const auto result = auditScript("$U bind tcp 127.0.0.1 $P");
  EXPECT_EQ(result.status, 0) << result.messages;
  EXPECT_THAT(result.findings(), ::testing::ElementsAre("fixed " + p));
  const auto port = result.port(p);
  EXPECT_EQ(port.at("why"), "fixed, bound by 1 process");
  ASSERT_EQ(port.at("uses").size(), 1U);
  const auto& use = port.at("uses").front();
  EXPECT_EQ(use.at("call"), "bind");
  EXPECT_EQ(use.at("address"), "127.0.0.1");
  EXPECT_EQ(use.at("leased"), false);
  EXPECT_EQ(use.at("error"), nullptr);
  EXPECT_GT(use.at("pid"), 1);
  EXPECT_EQ(use.at("program"), PORT_USER);
  EXPECT_EQ(use.at("command"), PORT_USER " bind tcp 127.0.0.1 " + p);
  EXPECT_EQ(use.at("test"), nullptr);
  const bool canName = runScript("command -v addr2line").exitCode == 0;
  EXPECT_THAT(use.at("function").get<std::string>(),
              ::testing::AnyOf(StartsWith(canName ? "takePort" : "port_user+0x"),
                               "bind"));  // of a sanitizer in the program
}

TEST_F(AuditOfPorts, ThatSeveralProcessesTakeCollide) {
  for (const std::string script :
       {"$U bind tcp 127.0.0.1 $P; $U bind tcp 0.0.0.0 $P",  // one after the other
        "$U bind tcp 127.0.0.1 $P fork fork bind tcp 127.0.0.2 $P bind tcp 127.0.0.3 $Q; "
        "$U bind tcp 127.0.0.2 $P"}) {
    const auto result = auditScript(script);
    EXPECT_EQ(result.findings().front(), "collides " + p) << script;
    EXPECT_THAT(result.port(p).at("why"), StartsWith("bound by 2 processes: these collide"));
  }
}

TEST_F(AuditOfPorts, ThatProcessesTakeAtDifferentAddressesDoNotCollide) {
  for (const std::string script : {"$U bind tcp 127.0.0.1 $P fork bind tcp 127.0.0.2 $P",
                                   "$U bind tcp 0.0.0.0 $P fork try tcp ::1 $P"}) {
    const auto result = auditScript(script);
    EXPECT_THAT(result.findings(), ::testing::ElementsAre("fixed " + p)) << result.messages;
    if (result.messages.find("bind") != std::string::npos) GTEST_SKIP() << "IPv6 is not here";
    EXPECT_EQ(result.port(p).at("why"), "fixed, bound by 2 processes");
  }
}

TEST_F(AuditOfPorts, ThatProcessesOfOnePidTakeCollide) {
  const std::string user = "unshare -pf $U bind tcp 127.0.0.1 $P";
  if (auditScript("unshare -pf true").status != 0) GTEST_SKIP() << "no namespaces of pids here";
  EXPECT_THAT(auditScript(user + "; " + user).findings(), ::testing::ElementsAre("collides " + p));
}

TEST_F(AuditOfPorts, ThatOneTestTakesAgainDoNotCollide) {
  const auto result = auditScript(
      "GTEST_FILTER=A.B; export GTEST_FILTER; $U bind tcp 127.0.0.1 $P; $U bind tcp 127.0.0.1 $P");
  EXPECT_THAT(result.findings(), ::testing::ElementsAre("fixed " + p));
  EXPECT_EQ(result.port(p).at("why"), "fixed, bound by 2 processes of one test");
}

TEST_F(AuditOfPorts, CoversUDPAndIPv6) {
  const auto result = auditScript(
      "$U bind udp 127.0.0.1 $P bind tcp 127.0.0.1 $Q try tcp ::1 $Q try udp ::ffff:127.0.0.1 $Q");
  EXPECT_EQ(valuesOf("address", result.port(p, "udp")), std::set<JSON>{"127.0.0.1"});
  EXPECT_TRUE(result.port(p).is_null());
  if (result.messages.find("bind") != std::string::npos) GTEST_SKIP() << "IPv6 is not here";
  EXPECT_EQ(valuesOf("address", result.port(q, "udp")), std::set<JSON>{"127.0.0.1"});
  EXPECT_EQ(valuesOf("address", result.port(q)), (std::set<JSON>{"127.0.0.1", "::1"}));
}

TEST_F(AuditOfPorts, SaysThatABindFailed) {
  const auto result =
      auditScript("$U bind tcp 127.0.0.1 $Q; $U bind tcp 127.0.0.1 $P fork try tcp 127.0.0.1 $P");
  EXPECT_THAT(result.findings(), ::testing::ElementsAre("in use " + p, "fixed " + q));
  EXPECT_EQ(result.port(p).at("why"),
            "failed: address in use, in 1 process; bound by 2 processes: these collide under -j");
  EXPECT_EQ(valuesOf("error", result.port(p)), (std::set<JSON>{nullptr, "EADDRINUSE"}));
}

TEST_F(AuditOfPorts, SaysThatABindToALeasedPortFailed) {
  const auto result = auditScript(
      "PORTPOOL_PORTS=$P $PORTPOOL exec -- $U bind tcp 127.0.0.1 $P fork try tcp 127.0.0.1 $P");
  EXPECT_THAT(result.findings(), ::testing::ElementsAre("in use " + p)) << result.messages;
  EXPECT_EQ(result.port(p).at("why"), "failed: address in use, in 1 process while it was leased");
  EXPECT_GE(result.port(p).at("uses").size(), 2U);  // the other's, too
}

TEST_F(AuditOfPorts, LeavesOutWhatThePoolTriesInVain) {
  const TemporaryFile pool;
  std::ofstream(pool.path())
      << "#!/bin/sh\n"
         "PORTPOOL_PORTS=$P PORTPOOL_WAIT_SECONDS=0 $PORTPOOL exec -- true\n";
  std::filesystem::permissions(pool.path(), std::filesystem::perms::owner_all);
  const auto result = auditScript("$U bind tcp 127.0.0.1 $P exec " + pool.path());
  EXPECT_NE(result.status, 0);
  EXPECT_THAT(result.findings(), ::testing::ElementsAre("fixed " + p)) << result.messages;
  EXPECT_EQ(result.port(p).at("why"), "fixed, bound by 1 process");
}

TEST_F(AuditOfPorts, SaysThatAPortIsEphemeral) {
  const auto range = getEphemeralTCPPortRange();
  const auto port = std::to_string(range.first);
  const auto result =
      auditScript("$U bind tcp 127.0.0.1 $P; $U bind tcp 127.0.0.1 " + port + "; exit 0");
  EXPECT_THAT(result.findings(), ::testing::ElementsAre("ephemeral " + port, "fixed " + p));
  EXPECT_THAT(
      result.port(port).at("why"),
      HasSubstr("in the ephemeral range " + PortSet{range}.toString() + ": fails by chance"));
}

TEST_F(AuditOfPorts, NamesConnectionsLast) {
  const auto result = auditScript("$U connect tcp 127.0.0.1 $Q; $U bind udp 127.0.0.1 $P");
  EXPECT_THAT(result.findings(), ::testing::ElementsAre("fixed " + p, "connected to only " + q));
  EXPECT_EQ(result.port(q).at("why"), "connected to only, by 1 process");
}

TEST_F(AuditOfPorts, LeavesOutWhatTheSystemChooses) {
  const auto result = auditScript("$U server-and-client");
  EXPECT_EQ(result.status, 0) << result.messages;
  EXPECT_EQ(result.report.at("ports"), JSON::array());
}

TEST_F(AuditOfPorts, LeavesOutConnectionsToOtherMachines) {
  EXPECT_EQ(auditScript("$U connect udp 192.0.2.1 $P").report.at("ports"), JSON::array());
}

TEST_F(AuditOfPorts, KnowsLeases) {
  const auto result = auditScript(
      "$PORTPOOL exec -- $U bind tcp 127.0.0.1 {port} connect tcp 127.0.0.1 {port} && "
      "G=$($PORTPOOL get) && $U bind tcp 0.0.0.0 $G bind udp 0.0.0.0 $G && "
      "$U bind tcp 127.0.0.1 $P");
  EXPECT_EQ(result.status, 0) << result.messages;
  EXPECT_THAT(result.findings(), ::testing::ElementsAre("fixed " + p));
  EXPECT_GE(result.report.at("ports").size(), 3U);  // the pool's probes with them
}

TEST_F(AuditOfPorts, InNetworksOfTheirOwnDoNotCollide) {
  // A migrated suite with one program that has its port written into it.
  std::string script;
  for (int i = 0; i < 6; ++i) {
    script += PORTPOOL_COMMAND " isolate -- " PORT_USER " bind tcp 127.0.0.1 " + p + " && ";
  }
  script += PORTPOOL_COMMAND " exec -- " PORT_USER " bind tcp 127.0.0.1 {port}";
  const auto result = audit({"sh", "-c", script});
  EXPECT_THAT(result.findings(), ::testing::ElementsAre("fixed " + p));
  EXPECT_EQ(result.port(p).at("why"),
            "fixed, bound by 6 processes, none beside another, in 6 networks");

  const auto table = runPortpool({"audit", "--fail", "--", "sh", "-c", script});
  EXPECT_EQ(table.exitCode, 1);
  EXPECT_THAT(table.output, HasSubstr("\n" + p + ' '));
  // A title, a head, the port, and how many are left out.
  EXPECT_EQ(std::count(table.output.begin(), table.output.end(), '\n'), 4) << table.output;
  EXPECT_THAT(table.output, ::testing::EndsWith(" left out\n"));
}

// ---- Tests --------------------------------------------------------------------------------------

TEST_F(AuditOfPorts, HaveTheirTestFromArgumentsAndEnvironment) {
  for (const auto& [test, script] : std::vector<std::pair<JSON, std::string>>{
           {"Suite.Name/0", "$U --gtest_filter=Suite.Name/0 bind tcp 127.0.0.1 $P"},
           {"Suite.Name", "$U --gtest_filter=Suite.Name exec \"$BY_SUITE\""},
           {nullptr, "$U --gtest_filter=Suite.*:-A.B bind tcp 127.0.0.1 $P"},
           {"Suite.Name", "GTEST_FILTER=Suite.Name $U bind tcp 127.0.0.1 $P"},
           {"a.py::test (call)",
            "PYTEST_CURRENT_TEST='a.py::test (call)' $U bind tcp 127.0.0.1 $P"},
           {"takes a port, by number", "TAKEN=$P " CATCH2_PORT_USER " 'takes a port\\, by number'"},
           {nullptr, "TAKEN=$P " CATCH2_PORT_USER " 'takes a*'"}}) {
    const TemporaryFile program;
    std::filesystem::permissions(program.path(), std::filesystem::perms::owner_all);
    std::ofstream(program.path()) << "#!/bin/sh\n$U bind tcp 127.0.0.1 $P\n";
    const auto result = auditScript("BY_SUITE=" + program.path() + "; " + script);
    ASSERT_EQ(result.status, 0) << script << result.messages;
    EXPECT_EQ(valuesOf("test", result.port(p)), std::set<JSON>{test}) << script;
  }
}

TEST_F(AuditOfPorts, FailOnRequest) {
  const Arguments command{"--",  PORTPOOL_COMMAND, "isolate", "--", PORT_USER, "bind",
                          "tcp", "127.0.0.1",      p};
  const auto with = [&](Arguments options) {
    options.insert(options.begin(), "audit");
    options.insert(options.end(), command.begin(), command.end());
    return runPortpool(options);
  };
  EXPECT_EQ(with({}).exitCode, 0);
  EXPECT_EQ(with({"--fail"}).exitCode, 1);
  EXPECT_EQ(with({"--fail", "--json"}).exitCode, 1);
}

}  // namespace
}  // namespace portpool::test
