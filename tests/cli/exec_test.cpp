#include "command.hpp"

#include "support/token_server.hpp"
#include "unit/sanitizers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <portpool/portpool.hpp>

#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>

namespace portpool::test {
namespace {

using ::testing::HasSubstr;

/// Runs a script by exec, with these options.
ProcessResult runByExec(Arguments options, const std::string& script,
                        const Variables& variables = {}) {
  options.insert(options.begin(), "exec");
  for (const auto* word : {"--", "sh", "-c"}) options.emplace_back(word);
  options.push_back(script);
  return runPortpool(options, variables);
}

TEST(Exec, SetsAVariableForEachPort) {
  const auto result = runByExec({"-n", "3"}, "echo $PORT0 $PORT1 $PORT2 $PORT$PORT3");
  EXPECT_EQ(result.exitCode, 0) << result.errors;
  const auto ports = portsIn(result.output);
  ASSERT_EQ(ports.size(), 4U) << result.output;
  EXPECT_EQ(ports[0], ports[3]);
  EXPECT_EQ(PortSet({{ports[0], ports[0]}, {ports[1], ports[1]}, {ports[2], ports[2]}}).size(), 3U);
}

TEST(Exec, SetsVariablesOfAnotherName) {
  const auto result = runByExec({"--env", "HTTP"}, "echo $HTTP $HTTP0 $PORT");
  const auto ports = portsIn(result.output);
  ASSERT_EQ(ports.size(), 2U) << result.output;
  EXPECT_EQ(ports[0], ports[1]);
}

TEST(Exec, ReplacesPortsInArguments) {
  const auto result = runPortpool({"exec", "-n", "2", "--", "sh", "-c", "echo $PORT0 $PORT1 \"$@\"",
                                   "sh", "[{port},{port1}]", "{port0}", "{other}", "--", "{port"});
  const auto ports = portsIn(result.output);
  ASSERT_EQ(ports.size(), 2U) << result.output;
  const auto first = std::to_string(ports[0]), second = std::to_string(ports[1]);
  EXPECT_EQ(result.output, first + ' ' + second + " [" + first + ',' + second + "] " + first +
                               " {other} -- {port\n");
}

TEST(Exec, RefusesAnArgumentForWhichThereIsNoPort) {
  const auto result = runPortpool({"exec", "--", "echo", "{port1}"});
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_EQ(result.output, "");
  EXPECT_THAT(result.errors, HasSubstr("there is no port for {port1}"));
}

TEST(Exec, GivesBlocks) {
  const auto ports = portsIn(runByExec({"-n", "4", "--block"}, "echo $PORT0 $PORT3").output);
  ASSERT_EQ(ports.size(), 2U);
  EXPECT_EQ(ports[1], ports[0] + 3);
}

TEST(Exec, GivesBlocksOfAnotherShape) {
  for (const auto& transport : {Arguments{}, Arguments{"--udp"}}) {
    Arguments options{"-n", "3", "--distance", "7", "--multiple-of", "97"};
    options.insert(options.end(), transport.begin(), transport.end());
    const auto result = runByExec(options, "echo $PORT0 $PORT1 $PORT2");
    const auto ports = portsIn(result.output);
    ASSERT_EQ(ports.size(), 3U) << result.errors;
    EXPECT_EQ(ports[0] % 97, 0);
    EXPECT_EQ(ports[1], ports[0] + 7);
    EXPECT_EQ(ports[2], ports[0] + 14);
  }
}

TEST(Exec, LeasesThePortsUntilTheCommandEnds) {
  const PortPool pool(getServerTCPPorts());
  for (const auto* option : {"--udp", "--hold", "--block"}) {
    // Whoever asks for the very port does not get it meanwhile.
    const auto result =
        runByExec({option}, "PORTPOOL_PORTS=$PORT PORTPOOL_WAIT_SECONDS=0 " PORTPOOL_COMMAND
                            " get; echo $? $PORT");
    std::istringstream words(result.output);
    int status = 0;
    std::uint16_t port = 0;
    words >> status >> port;
    EXPECT_EQ(status, 1) << result.output << result.errors;
    EXPECT_FALSE(isLeased(port));
  }
}

TEST(Exec, HoldsPortsBound) {
  const auto result = runByExec({"--hold"},
                                "ss -H -n -a -t \"sport = $PORT\" | wc -l; python3 -c "
                                "'import os, socket; "
                                "socket.socket().bind((\"\", int(os.environ[\"PORT\"])))'");
  EXPECT_NE(result.exitCode, 0);
  EXPECT_THAT(result.errors, HasSubstr("Address already in use"));
}

TEST(Exec, PassesListeningSockets) {
  const auto result = runPortpool({"exec", "-n", "2", "--listen", "--", "python3", "-c",
                                   "import os, socket\n"
                                   "assert os.environ['LISTEN_PID'] == str(os.getpid())\n"
                                   "assert os.environ['LISTEN_FDS'] == '2'\n"
                                   "for i in 0, 1:\n"
                                   "  server = socket.socket(fileno=3 + i)\n"
                                   "  port = int(os.environ['PORT%d' % i])\n"
                                   "  assert server.getsockname()[1] == port\n"
                                   "  client = socket.create_connection(('127.0.0.1', port))\n"
                                   "  server.accept()[0].sendall(b'x')\n"
                                   "  assert client.recv(1) == b'x'\n"});
  EXPECT_EQ(result.exitCode, 0) << result.errors;
}

TEST(Exec, PassesNoNamesOfOtherSockets) {
  const auto result =
      runByExec({"--listen"}, "echo [$LISTEN_FDNAMES]", {{"LISTEN_FDNAMES", "http"}});
  EXPECT_EQ(result.output, "[]\n") << result.errors;
}

TEST(Exec, LeavesTheSignalsThatAreIgnoredIgnored) {
  const std::string ignoring = "env --ignore-signal=CHLD --ignore-signal=PIPE ";
  const std::string show = "grep SigIgn: /proc/self/status; ";
  for (const std::string command : {"exec", "audit --output /dev/null"}) {
    const auto result =
        runScript(ignoring + show + ignoring + "portpool " + command + " -- " + show);
    std::istringstream lines(result.output);
    std::string own, commands;
    std::getline(lines, own);
    std::getline(lines, commands);
    EXPECT_EQ(own, commands) << command << result.output << result.errors;
    EXPECT_THAT(own, HasSubstr("SigIgn:"));
  }
}

TEST(Exec, HasTheExitStatusOfItsCommand) {
  EXPECT_EQ(runByExec({}, "exit 0").exitCode, 0);
  EXPECT_EQ(runByExec({}, "exit 77").exitCode, 77);
  EXPECT_EQ(runByExec({}, "kill -KILL $$").exitCode, 128 + SIGKILL);
  EXPECT_EQ(runByExec({}, "kill -TERM $$").exitCode, 128 + SIGTERM);
  EXPECT_EQ(runPortpool({"exec", "--", "/nonexistent"}).exitCode, 127);
  EXPECT_EQ(runPortpool({"exec", "--", "/"}).exitCode, 126);
}

TEST(Exec, PassesInputAndOutputThrough) {
  const auto result =
      runScript("echo word | portpool exec -- cat; portpool exec -- sh -c 'echo e >&2'");
  EXPECT_EQ(result.output, "word\n");
  EXPECT_EQ(result.errors, "e\n");
}

TEST(Exec, ForwardsSignals) {
  // In a session of its own, the command gets only what is forwarded.
  const auto result = runProcess(
      "/usr/bin/env",
      {"python3", "-c",
       "import signal, subprocess\n"
       "signals = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1,\n"
       "           signal.SIGUSR2, signal.SIGALRM, signal.SIGPIPE, signal.SIGRTMIN]\n"
       "command = ('import os, signal\\n'\n"
       "           'os.setsid()\\n'\n"
       "           'for number in %r:\\n'\n"
       "           '  signal.signal(number, lambda number, frame: print(number, flush=True))\\n'\n"
       "           'print(\"ready\", flush=True)\\n'\n"
       "           'while True: signal.pause()' % [int(number) for number in signals])\n"
       "child = subprocess.Popen(['" PORTPOOL_COMMAND
       "', 'exec', '--', 'python3', '-c', command],\n"
       "                         stdout=subprocess.PIPE, text=True)\n"
       "assert child.stdout.readline() == 'ready\\n'\n"
       "for number in signals:\n"
       "  child.send_signal(number)\n"
       "  assert child.stdout.readline() == '%d\\n' % number, number\n"
       "child.kill()\n"});
  EXPECT_EQ(result.exitCode, 0) << result.errors;
}

TEST(Exec, EndsWithItsParentAndItsCommandWithIt) {
  for (const std::string ending : {"kill -KILL $parent", "kill -KILL $launcher"}) {
    // The descriptor of the pipe is open as long as a process of these lives.
    const auto result = runScript(
        "fifo=$(mktemp -u); mkfifo $fifo; "
        "sh -c 'portpool exec -- sh -c \"echo \\$PPID > $0; exec sleep 1000\" & wait' $fifo & "
        "parent=$!; read launcher < $fifo; " +
        ending + "; wait; while kill -0 $launcher 2> /dev/null; do :; done; rm $fifo; echo over");
    EXPECT_EQ(result.output, "over\n") << result.errors;
  }
}

TEST(Exec, OutlivesTheThreadThatStartedIt) {
  for (int i = 0; i < 20; ++i) {
    std::array<int, 2> input{};
    ASSERT_EQ(::pipe(input.data()), 0);
    const std::string command = std::string("exec ") + PORTPOOL_COMMAND +
                                " exec -- sh -c 'echo runs; read line; echo $line' <&" +
                                std::to_string(input[0]);
    std::array<char, 8> line{};
    FILE* output = nullptr;
    std::thread([&] {
      output = ::popen(command.c_str(), "r");
      EXPECT_STREQ(std::fgets(line.data(), line.size(), output), "runs\n");
    }).join();
    EXPECT_EQ(::write(input[1], "over\n", 5), 5);
    EXPECT_NE(std::fgets(line.data(), line.size(), output), nullptr);
    EXPECT_STREQ(line.data(), "over\n");
    EXPECT_EQ(::pclose(output), 0);
    for (const int end : input) ::close(end);
  }
}

TEST(Exec, StartsNoCommandWhoseParentHasEnded) {
  const TCPPortOwner owner;
  // It waits for a port when its parent is killed, and has ended when the output has.
  const auto result = runScript(
      "fifo=$(mktemp -u); mkfifo $fifo; "
      "sh -c 'portpool exec -- echo started 2> $0 & wait' $fifo & "
      "parent=$!; read line < $fifo; kill -KILL $parent; wait; rm $fifo; echo over",
      "sh", {{"PORTPOOL_PORTS", std::to_string(owner.port())}, {"PORTPOOL_WAIT_SECONDS", "600"}});
  EXPECT_EQ(result.output, "over\n");
}

TEST(Exec, ReportsThatThereIsNoDescriptorForASocket) {
  if (kHasAddressSanitizer) GTEST_SKIP() << "NOT TESTED: AddressSanitizer needs descriptors";
  bool hasFailed = false;
  for (int limit = 10; limit <= 24; ++limit) {
    const auto result =
        runScript("ulimit -n " + std::to_string(limit) + "; portpool exec -n 4 --listen -- true");
    EXPECT_THAT(result.exitCode, ::testing::AnyOf(0, 1)) << limit;
    if (result.exitCode == 0) continue;
    hasFailed = true;
    EXPECT_THAT(result.errors, HasSubstr("portpool: ")) << limit;
  }
  EXPECT_TRUE(hasFailed);
}

TEST(Exec, RefusesAPortThatThereIsNot) {
  for (const auto* word : {"{port1}", "{port18446744073709551616}"}) {
    const auto result = runPortpool({"exec", "--", "echo", word});
    EXPECT_EQ(result.exitCode, 1) << word;
    EXPECT_THAT(result.errors, HasSubstr("there is no port for " + std::string(word)));
  }
}

/// Runs a command in a terminal of its own, and a line of Python when it has printed "runs";
/// returns the status with which it ends.
ProcessResult runInTerminal(const std::string& command, const std::string& then) {
  return runScript(
      "/usr/bin/python3 -c '\n"
      "import os, pty, sys\n"
      "pid, terminal = pty.fork()\n"
      "if pid == 0: os.execvp(\"sh\", [\"sh\", \"-c\", sys.argv[1]])\n"
      "said = b\"\"\n"
      "while b\"runs\" not in said: said += os.read(terminal, 100)\n" +
      then +
      "\nprint(os.WTERMSIG(os.waitpid(pid, 0)[1]) or \"ended\")\n"
      "' '" +
      command + "'");
}

TEST(Exec, LeavesTheTerminalsSignalsToItsCommand) {
  // timeout has a process group of its own, which the terminal does not know.
  const auto interrupted =
      runInTerminal("exec portpool exec -- timeout 100 sh -c \"echo runs; exec sleep 1000\"",
                    R"(os.write(terminal, b"\x03"))");
  EXPECT_EQ(interrupted.output, "ended\n") << interrupted.errors;
  const auto hungUp = runInTerminal("exec portpool exec -- sh -c \"echo runs; exec sleep 1000\"",
                                    "os.close(terminal)");
  EXPECT_EQ(hungUp.output, "ended\n") << hungUp.errors;
}

TEST(Exec, IsIsolatedOnRequest) {
  const auto result = runByExec({}, "readlink /proc/self/ns/net; echo [$PORTPOOL_ISOLATE]",
                                {{"PORTPOOL_ISOLATE", "1"}});
  if (result.exitCode == 1) GTEST_SKIP() << result.errors;
  const auto own = runScript("readlink /proc/self/ns/net");
  EXPECT_THAT(result.output, ::testing::EndsWith("\n[]\n"));
  EXPECT_THAT(result.output, ::testing::Not(HasSubstr(own.output)));
}

}  // namespace
}  // namespace portpool::test
