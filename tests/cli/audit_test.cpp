#include "audited.hpp"
#include "support/temporary_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <portpool/portpool.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace portpool::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(AuditOfTests, IsClean) {
  const auto result = audit({GTEST_SUBJECT, "--gtest_filter=Plain.*:Fixture.*"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.findings(), ::testing::IsEmpty());
  std::set<JSON> tests;
  for (const auto& port : result.report.at("ports")) tests.merge(valuesOf("test", port));
  EXPECT_THAT(tests, ::testing::IsSupersetOf(
                         {"Plain.ServesOnTwoPorts", "Fixture.ServesAsMember", "Fixture.Again"}));
  EXPECT_THAT(result.messages, Not(HasSubstr("warning")));

  const auto table = runPortpool(
      {"audit", "--fail", "--", GTEST_SUBJECT, "--gtest_filter=Plain.ServesOnTwoPorts"});
  EXPECT_EQ(table.exitCode, 0);
  EXPECT_THAT(table.output, HasSubstr("audit: no port was used that portpool did not lease\n"));
}

// ---- Programs that are not seen -----------------------------------------------------------------

#ifdef STATIC_PROGRAM
TEST(AuditOfPrograms, TellsOfThoseThatAreStatic) {
  const JSON unseen{{{"program", STATIC_PROGRAM}, {"why", "statically linked"}}};
  for (const auto& command : std::vector<Arguments>{
           {STATIC_PROGRAM},
           {"sh", "-c", STATIC_PROGRAM " && true"},
           {"sh", "-c", "PATH=$(dirname " STATIC_PROGRAM "):$PATH; static_program && true"},
           {PORT_USER, "exec", STATIC_PROGRAM},
           {PORTPOOL_COMMAND, "exec", "--", STATIC_PROGRAM},
           {"python3", "-c", "import os; os.posix_spawn('" STATIC_PROGRAM "', ['a'], os.environ)"},
           {"python3", "-c", "import subprocess; subprocess.check_call('" STATIC_PROGRAM "')"}}) {
    const auto result = audit(command);
    EXPECT_EQ(result.status, 0) << command[0] << result.messages;
    EXPECT_EQ(result.report.at("unseen"), unseen) << ::testing::PrintToString(command);
  }
  EXPECT_THAT(runPortpool({"audit", "--", STATIC_PROGRAM}).output,
              HasSubstr("\nunseen: " STATIC_PROGRAM " (statically linked)\n"));
}
#else
TEST(AuditOfPrograms, TellsOfThoseThatAreStatic) {
  GTEST_SKIP() << "no program can be linked statically here: install the C library's archive";
}
#endif

TEST(AuditOfPrograms, TellsOfThoseThatHaveNoEnvironment) {
  const auto result = audit({"env", "-i", PORT_USER});
  ASSERT_EQ(result.report.at("unseen").size(), 1U);
  EXPECT_EQ(result.report.at("unseen")[0].at("program"), PORT_USER);
  EXPECT_EQ(result.report.at("unseen")[0].at("why"), "started without this environment");
}

TEST(AuditOfPrograms, SaysNothingOfOthers) {
  const auto result = audit({"sh", "-c", "env true; python3 -c 'import os; os.system(\"true\")'"});
  EXPECT_EQ(result.report.at("unseen"), JSON::array()) << result.report;
}

TEST(AuditOfPrograms, LoadsWithAnotherCLibrary) {
  // musl lacks these functions, and then starts no program at all.
  const auto library =
      std::filesystem::path(PORTPOOL_COMMAND).parent_path() / "libportpool_audit.so";
  const auto needed = runScript("nm -D --undefined-only " + library.string());
  if (needed.exitCode != 0) GTEST_SKIP() << "there is no nm";
  EXPECT_THAT(needed.output, HasSubstr(" syscall"));
  std::istringstream words(needed.output);
  for (std::string word; words >> word;) {
    const auto name = word.substr(0, word.find('@'));
    const bool isOfGNU = std::regex_match(name, std::regex("__isoc.*|.*_chk|__x?stat"));
    const bool isOfLargeFiles =
        sizeof(void*) == 8 && std::regex_match(name, std::regex("[a-z]*64"));
    EXPECT_FALSE(isOfGNU || isOfLargeFiles) << name;
  }
}

// ---- The command --------------------------------------------------------------------------------

TEST(AuditCommand, HasTheExitStatusOfItsCommand) {
  EXPECT_EQ(runPortpool({"audit", "--", "sh", "-c", "exit 77"}).exitCode, 77);
  EXPECT_EQ(runPortpool({"audit", "--fail", "--", "sh", "-c", "exit 77"}).exitCode, 77);
  EXPECT_EQ(runPortpool({"audit", "--", "sh", "-c", "kill -KILL $$"}).exitCode, 128 + 9);
  EXPECT_EQ(runPortpool({"audit", "--", "/nonexistent"}).exitCode, 127);
}

TEST(AuditCommand, ReportsAfterTheOutputOfItsCommand) {
  const auto result = runPortpool({"audit", "--", "sh", "-c", "cat; echo word; echo error >&2"});
  EXPECT_THAT(result.output, StartsWith("word\nportpool audit: no port was used"));
  EXPECT_EQ(result.errors, "error\n");
  EXPECT_EQ(JSON::parse(runPortpool({"audit", "--json", "--", "true"}).output).at("status"), 0);
}

TEST(AuditCommand, SaysThatTheReportCannotBeWritten) {
  for (const std::string path : {"/nonexistent/report", "/dev/full"}) {
    const auto result = runPortpool({"audit", "--output", path, "--", "true"});
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_THAT(result.errors, HasSubstr(path));
  }
}

TEST(AuditCommand, KeepsItsReportToItself) {
  const TemporaryFile report;
  const auto result = runPortpool(
      {"audit", "--output", report.path(), "--", "sh", "-c", "readlink /proc/self/fd/*; :"});
  EXPECT_THAT(result.output, Not(HasSubstr(report.path())));
  EXPECT_THAT(result.output, Not(HasSubstr("portpool-audit")));
  EXPECT_THAT(report.text(), StartsWith("portpool audit: "));
}

TEST(AuditCommand, KeepsTheEnvironment) {
  const auto result = runPortpool({"audit", "--", "sh", "-c", "echo $LD_PRELOAD $WORD"},
                                  {{"LD_PRELOAD", "libm.so.6"}, {"WORD", "kept"}});
  EXPECT_THAT(result.output,
              ::testing::MatchesRegex("libm.so.6:/.*/libportpool_audit.so kept\n(.|\n)*"));
}

TEST(AuditCommand, LeavesNoFile) {
  const auto result = runPortpool({"audit", "--", "sh", "-c", "ls $PORTPOOL_AUDIT"});
  const auto path = result.output.substr(0, result.output.find('\n'));
  EXPECT_THAT(path, HasSubstr("/portpool-audit-"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(AuditCommand, TakesLittleOfTheDisk) {
  const auto result = runPortpool({"audit", "--", "sh", "-c", "stat -c '%b %B' $PORTPOOL_AUDIT"});
  std::size_t blocks = 0, size = 0;
  std::istringstream(result.output) >> blocks >> size;
  ASSERT_GT(size, 0U) << result.output;
  EXPECT_LE(blocks * size, std::size_t{1} << 20U);
}

TEST(AuditCommand, KeepsToTheLimitOfFiles) {
  EXPECT_EQ(runScript("ulimit -f 1000; portpool audit -- true").exitCode, 0);
  const auto result = runScript("ulimit -f 1; portpool audit -- true");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_THAT(result.errors, HasSubstr("raise it with ulimit -f"));
}

TEST(AuditCommand, LeavesErrorsAsTheyAre) {
  const TCPPortOwner owner;
  const auto result = audit({"python3", "-c",
                             "import ctypes, errno, os, socket\n"
                             "libc = ctypes.CDLL(None, use_errno=True)\n"
                             "server = socket.socket()\n"
                             "server.bind(('127.0.0.1', " +
                                 std::to_string(owner.port()) +
                                 "))\n"
                                 "try:\n"
                                 "  socket.socket().bind(server.getsockname())\n"
                                 "  assert False\n"
                                 "except OSError as error:\n"
                                 "  assert error.errno == errno.EADDRINUSE\n"
                                 "for call in libc.bind, libc.connect:\n"
                                 "  for socket in -1, server.fileno():\n"
                                 "    assert call(socket, ctypes.c_void_p(8), 16) == -1\n"
                                 "    error = ctypes.get_errno()\n"
                                 "    assert error == (errno.EBADF if socket < 0 else "
                                 "errno.EFAULT), error\n"
                                 "assert libc.execv(b'/nonexistent', None) == -1\n"
                                 "assert ctypes.get_errno() == errno.ENOENT\n"});
  EXPECT_EQ(result.status, 0) << result.messages;
  EXPECT_THAT(result.findings(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace portpool::test
