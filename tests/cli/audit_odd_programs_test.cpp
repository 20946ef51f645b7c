// Programs that do what few do: the audit disturbs none of them, and loses nothing without a word.

#include "audited.hpp"
#include "support/temporary_file.hpp"
#include "unit/sanitizers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace portpool::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

JSON unseen(const std::string& program, const std::string& why) {
  return {{{"program", program}, {"why", why}}};
}

class AuditOfOddPrograms : public IsolatedAudit {};

// ---- Programs that it disturbed -----------------------------------------------------------------

TEST_F(AuditOfOddPrograms, SeesThreadsThatAPluginWaitsFor) {
  const auto result = auditScript("PLUGIN_PORT=$P timeout 60 $ODD plugin " PORT_PLUGIN);
  EXPECT_EQ(result.status, 0) << result.messages;
  EXPECT_THAT(result.findings(), ElementsAre("fixed " + p));
  EXPECT_THAT(result.port(p).at("uses")[0].at("function").get<std::string>(),
              ::testing::AnyOf(HasSubstr("takePort"), HasSubstr("libport_plugin.so+0x"), "bind"));
}

TEST_F(AuditOfOddPrograms, SeesInitializersOfLibraries) {
  const auto result = auditScript("PLUGIN_PORT=$P " LINKED_PORT_USER);
  EXPECT_THAT(result.findings(), ElementsAre("fixed " + p)) << result.messages;
  EXPECT_EQ(result.port(p).at("uses")[0].at("program"), LINKED_PORT_USER);
}

TEST_F(AuditOfOddPrograms, LeavesSmallStacksAlone) {
  for (const std::string way : {"small-stack-connect $P", "small-stack-exec"}) {
    if (runScript(ODD_PORT_USER " " + way, "sh", {{"P", p}}).exitCode != 0) {
      GTEST_SKIP() << "the stack is too small for this machine";
    }
    const auto result = auditScript("$ODD " + way);
    EXPECT_EQ(result.status, 0) << way;
  }
}

TEST_F(AuditOfOddPrograms, ReadsNoEnvironmentThatChanges) {
  EXPECT_EQ(auditScript("$ODD changing-environment $P").status, 0);
}

TEST_F(AuditOfOddPrograms, KnowsTheTestThatTheEnvironmentNamesLater) {
  const auto result = auditScript(
      "python3 -c \"import os, socket\n"
      "os.environ['PYTEST_CURRENT_TEST'] = 'later'\n"
      "socket.socket().bind(('127.0.0.1', $P))\n"
      "del os.environ['PYTEST_CURRENT_TEST']\n"
      "socket.socket().bind(('127.0.0.1', $Q))\"");
  EXPECT_EQ(valuesOf("test", result.port(p)), std::set<JSON>{"later"}) << result.messages;
  EXPECT_EQ(valuesOf("test", result.port(q)), std::set<JSON>{nullptr});
}

TEST_F(AuditOfOddPrograms, WritesNoFileOfTheirs) {
  const auto result = auditScript("$ODD no-file-size $P");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.port(p, "udp").at("fault"), "fixed");
}

TEST_F(AuditOfOddPrograms, BindInChildrenWithoutTheThreadThatLoads) {
  const auto result = auditScript("timeout 60 $ODD forked-children $P");
  EXPECT_EQ(result.status, 0) << result.messages;
  EXPECT_TRUE(result.port(p, "udp").at("uses").at(0).at("function").is_string());
}

TEST_F(AuditOfOddPrograms, PassWhatTheSystemCannotRead) {
  EXPECT_EQ(auditScript("$ODD exec-without-memory /bin/true").status, 0);
}

TEST_F(AuditOfOddPrograms, MapLittleOfTheLog) {
  // For those that lock their memory, or have little.
  const auto result = auditScript("grep portpool-audit /proc/self/maps");
  ASSERT_EQ(result.status, 0) << result.messages;
  std::uintptr_t begin = 0, end = 0;
  char dash = 0;
  std::istringstream(result.messages) >> std::hex >> begin >> dash >> end;
  EXPECT_LE(end - begin, 65536U) << result.messages;
}

TEST_F(AuditOfOddPrograms, BindWithLittleMemory) {
  const std::string script = "ulimit -v 20000; exec " PORT_USER " bind tcp 127.0.0.1 ";
  if (runScript(script + p).exitCode != 0) GTEST_SKIP() << "programs take more memory here";
  EXPECT_THAT(auditScript("sh -c '" + script + p + "'").findings(), ElementsAre("fixed " + p));
}

TEST_F(AuditOfOddPrograms, BindToAPortThatTheCLibraryFinds) {
  const auto result = auditScript("$ODD reserved");
  if (result.status == 77) GTEST_SKIP() << "only root may bind a reserved port";
  EXPECT_EQ(result.status, 0) << result.messages;
  EXPECT_THAT(result.findings(), ::testing::IsEmpty());  // nor a connection to what nobody bound
}

TEST_F(AuditOfOddPrograms, WriteMoreThanTheyMap) {
  for (const std::string way : {"many-lines", "many-lines-without-the-log"}) {
    const auto result = auditScript("$ODD " + way + " $P");
    EXPECT_EQ(result.status, 0) << result.messages;
    EXPECT_EQ(result.port(p, "udp").at("uses").size(), 2000U) << way;
    EXPECT_EQ(result.report.at("lost"), 0);
    EXPECT_EQ(result.report.at("deleted"), false);
  }
}

TEST_F(AuditOfOddPrograms, GoOnWhenTheDiskIsFull) {
  const TemporaryFile report;
  const std::string mount = "mount -t tmpfs -o size=100k tmpfs /mnt && ";
  if (runScript("unshare -rm sh -c '" + mount + "true'").exitCode != 0) {
    GTEST_SKIP() << "no folder can be made full here";
  }
  const auto result =
      runScript("unshare -rm sh -c '" + mount + "TMPDIR=/mnt portpool audit --json --output " +
                report.path() + " -- " ODD_PORT_USER " many-lines " + p + "'");
  ASSERT_EQ(result.exitCode, 0) << result.errors;
  const auto lost = JSON::parse(report.text()).at("lost").get<int>();
  EXPECT_GT(lost, 1000);
  EXPECT_LT(lost, 2000);
}

#ifdef SANITIZED_PORT_USER
TEST_F(AuditOfOddPrograms, AreSanitizedWithOptionsOfTheirOwn) {
  const auto result =
      auditScript("ASAN_OPTIONS=detect_leaks=0 " SANITIZED_PORT_USER " bind tcp 127.0.0.1 $P");
  EXPECT_EQ(result.status, 0) << result.messages;
  EXPECT_THAT(result.findings(), ElementsAre("fixed " + p));
}
#endif

// ---- Programs that it does not see --------------------------------------------------------------

TEST_F(AuditOfOddPrograms, AreNamedWithoutTheLibrary) {
  for (const std::string script : {"env -u LD_PRELOAD $U", "LD_PRELOAD= $U",
                                   "env LD_PRELOAD=libm.so.6 $U", "PORTPOOL_AUDIT= $U"}) {
    EXPECT_EQ(auditScript(script).report.at("unseen"),
              unseen(PORT_USER, "started without this environment"))
        << script;
  }
  for (const std::string way : {"clearenv-system", "clearenv-popen"}) {
    EXPECT_EQ(auditScript("$ODD " + way + " true").report.at("unseen"),
              unseen("/bin/sh", "started without this environment"));
  }
}

#ifdef STATIC_PROGRAM
TEST_F(AuditOfOddPrograms, AreNamedByAnyCall) {
  EXPECT_EQ(auditScript("$ODD execveat " STATIC_PROGRAM).report.at("unseen"),
            unseen(STATIC_PROGRAM, "statically linked"));
}

TEST_F(AuditOfOddPrograms, AreNamedInAnotherFolder) {
  const auto result = auditScript("$ODD spawn-elsewhere " STATIC_PROGRAM);
  if (result.status == 77) GTEST_SKIP() << "this C library starts nothing in another folder";
  EXPECT_EQ(result.status, 0) << result.messages;
  EXPECT_EQ(result.report.at("unseen"),
            unseen("./static_program", "started by its path from another folder"));
}
#endif

TEST_F(AuditOfOddPrograms, AreNamedWithRightsOfAnother) {
  const auto result = audit({ODD_PORT_USER, "exec-as-another-group", PORT_USER});
  if (result.status == 77) GTEST_SKIP() << "only root may become another group";
  EXPECT_EQ(result.report.at("unseen"),
            unseen(PORT_USER, "has rights that its user does not have"));
}

TEST_F(AuditOfOddPrograms, AreNamedWithoutTheLog) {
  // A shell that has it goes on to write there.
  const auto result = auditScript(
      "log=${PORTPOOL_AUDIT%/*}; mv $log $log.away; $U bind tcp 127.0.0.1 $P; mv $log.away $log");
  EXPECT_EQ(result.status, 0) << result.messages;
  EXPECT_EQ(result.report.at("unseen").front().at("why"), "cannot write to the audit's log");
}

TEST_F(AuditOfOddPrograms, MakeTheReportIncompleteWithoutTheLog) {
  const std::string script = "rm -rf ${PORTPOOL_AUDIT%/*}; $U bind tcp 127.0.0.1 $P";
  EXPECT_EQ(auditScript(script).report.at("deleted"), true);
  const auto table = runPortpool({"audit", "--fail", "--", "sh", "-c", "rm $PORTPOOL_AUDIT; :"});
  EXPECT_EQ(table.exitCode, 1);
  EXPECT_THAT(table.output, HasSubstr("\nincomplete: the log was deleted while the command ran; "));
}

TEST_F(AuditOfOddPrograms, AreSeenUntilTheLogIsDeleted) {
  const auto result = auditScript("$U bind tcp 127.0.0.1 $P; rm $PORTPOOL_AUDIT");
  EXPECT_THAT(result.findings(), ElementsAre("fixed " + p));
}

TEST_F(AuditOfOddPrograms, AreNamedWhoseUserCannotReadTheLibrary) {
  // Nobody can, if it is not there.
  const TemporaryFile folder;
  std::filesystem::remove(folder.path());
  std::filesystem::create_directory(folder.path());
  const auto built = std::filesystem::path(PORTPOOL_COMMAND).parent_path();
  const auto command = folder.path() + "/portpool";
  const auto library = folder.path() + "/libportpool_audit.so";
  std::filesystem::copy(PORTPOOL_COMMAND, command);
  std::filesystem::copy(built / "libportpool_audit.so", library);
  const auto result = runScript(command + " audit -- sh -c 'mv " + library + " " + library +
                                ".away; " PORT_USER "; true'");
  std::filesystem::remove_all(folder.path());
  EXPECT_THAT(result.output,
              HasSubstr("\nunseen: " PORT_USER " (cannot read the audit's library)\n"));
}

TEST_F(AuditOfOddPrograms, AreCountedWithoutADescriptor) {
  if (kHasAddressSanitizer) GTEST_SKIP() << "NOT TESTED: AddressSanitizer needs descriptors";
  const auto result = auditScript("$ODD no-descriptor $P");
  EXPECT_EQ(result.status, 0) << result.messages;
  EXPECT_EQ(result.report.at("unknown"), 1);
  const auto table = runPortpool({"audit", "--fail", "--", PORTPOOL_COMMAND, "isolate", "--",
                                  ODD_PORT_USER, "no-descriptor", p});
  EXPECT_EQ(table.exitCode, 1);
  EXPECT_THAT(table.output, HasSubstr("\nincomplete: of 1 bind nothing tells"));
}

TEST_F(AuditOfOddPrograms, AreNamedThatOutliveTheCommand) {
  // What goes on waits for the end of this test's pipe.
  const TemporaryFile fifo;
  ASSERT_EQ(runScript("rm " + fifo.path() + "; mkfifo " + fifo.path()).exitCode, 0);
  const auto result =
      runPortpool({"audit", "--", "sh", "-c", "cat \"$0\" > /dev/null 2>&1 &", fifo.path()});
  EXPECT_THAT(result.output,
              ::testing::ContainsRegex("\nstill running, unseen from now on: (cat|sh|dash) "));
  std::ofstream(fifo.path()) << "end\n";
}

TEST_F(AuditOfOddPrograms, WriteWhereverTheLogIs) {
  const TemporaryFile folder;
  std::filesystem::remove(folder.path());
  std::filesystem::create_directory(folder.path());
  const auto name = std::filesystem::path(folder.path()).filename().string();
  const auto script = "cd " + folder.path() + "/..; TMPDIR=" + name +
                      " portpool audit --fail -- portpool isolate -- sh -c 'cd /; " PORT_USER
                      " bind tcp 127.0.0.1 " +
                      p + "'";
  const auto result = runScript(script);
  EXPECT_EQ(result.exitCode, 1) << result.errors;
  EXPECT_THAT(result.output, HasSubstr('\n' + p + ' '));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  std::filesystem::remove(folder.path());
}

// ---- The log ------------------------------------------------------------------------------------

TEST(AuditLog, IsRemovedByAnAuditThatIsEndedAsItBegins) {
  const TemporaryFile folder;
  std::filesystem::remove(folder.path());
  std::filesystem::create_directory(folder.path());
  const auto result = runPortpool({"audit", "--", "sleep", "1000"},
                                  {{"TMPDIR", folder.path()}, {"LD_PRELOAD", TERMINATING_MKDTEMP}});
  EXPECT_EQ(result.exitCode, 128 + SIGTERM) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("portpool audit: "));  // of the command, which has ended
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  std::filesystem::remove_all(folder.path());
}

TEST(AuditLog, NamesTheVariableOfAFolderThatThereIsNot) {
  const TemporaryFile file;  // and no folder
  for (const auto& path : std::vector<std::string>{"", "/nonexistent", file.path()}) {
    const auto result = runPortpool({"audit", "--", "true"}, {{"TMPDIR", path}});
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_EQ(result.errors, "portpool: TMPDIR=\"" + path +
                                 "\" names no folder; set TMPDIR to a folder in which this user "
                                 "may write\n");
  }
  const auto result = runPortpool({"audit", "--", "true"}, {{"TMPDIR", "/proc"}});
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_THAT(result.errors, StartsWith("portpool: cannot make a folder in /proc ("));
}

// ---- What they write ----------------------------------------------------------------------------

TEST_F(AuditOfOddPrograms, WriteNothingThatATerminalObeys) {
  const TemporaryFile copy;
  const auto program = copy.path() +
                       "\xc2\x9b"
                       "31m\x1b";
  std::filesystem::copy(PORT_USER, program);
  const auto result = runPortpool(
      {"audit", "--", PORTPOOL_COMMAND, "isolate", "--", program, "bind", "tcp", "127.0.0.1", p});
  std::filesystem::remove(program);
  EXPECT_THAT(result.output, HasSubstr("?31m?"));
  EXPECT_THAT(result.output, ::testing::Not(HasSubstr("\xc2\x9b")));
}

TEST_F(AuditOfOddPrograms, HaveALogThatNobodyFinds) {
  const auto result =
      runPortpool({"audit", "--", "sh", "-c", "stat -c %a ${PORTPOOL_AUDIT%/*} $PORTPOOL_AUDIT"});
  EXPECT_THAT(result.output, StartsWith("711\n666\n"));
}

TEST_F(AuditOfOddPrograms, WriteALineForWhatTheyRepeat) {
  EXPECT_EQ(auditScript("$ODD many-addresses $P").port(p, "udp").at("uses").size(), 2U);
}

TEST_F(AuditOfOddPrograms, HaveNoNamesOfFunctionsOnceStripped) {
  const TemporaryFile stripped;
  if (runScript("strip -o " + stripped.path() + " " PORT_USER).exitCode != 0) {
    GTEST_SKIP() << "there is no strip";
  }
  std::filesystem::permissions(stripped.path(), std::filesystem::perms::owner_all);
  const auto result = auditScript(stripped.path() + " bind tcp 127.0.0.1 $P");
  EXPECT_THAT(result.port(p).at("uses")[0].at("function").get<std::string>(),
              ::testing::AnyOf(HasSubstr("+0x"), "bind"));
}

}  // namespace
}  // namespace portpool::test
