// The options of each command, and its help.

#include "commands.hpp"
#include "output.hpp"

#include <portpool/portpool.hpp>

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace portpool::cli {
namespace {

constexpr std::size_t kColumnWidth = 28;

/// Shows that the command line of another program follows.
class FormatterForRunners : public CLI::Formatter {
 public:
  FormatterForRunners() { column_width(kColumnWidth); }
  std::string make_usage(const CLI::App* /*app*/, std::string name) const override {
    return "Usage: " + name + " [OPTIONS] -- COMMAND [ARGUMENT...]\n";
  }
};

/// The program's command line: the commands in the order in which its help lists them.
class CommandLine {
 public:
  CommandLine() {
    app_.set_version_flag("--version", std::string("portpool ") + PORTPOOL_VERSION);
    app_.require_subcommand(1);
    app_.get_formatter()->column_width(kColumnWidth);
    app_.footer(
        "Exit status: 0 on success, 1 on failure, 2 on a usage error; exec, isolate and audit\n"
        "exit with the status of their command. `portpool COMMAND --help` says more.");
    addExec();
    addGet();
    addIsolate();
    addAudit();
    addList();
    addWho();
    addDoctor();
    addServe();
  }

  int run(int argc, char** argv) {
    // What follows the first "--" belongs to another program and is not for CLI11 to parse.
    const std::vector<std::string> words(argv, argv + argc);
    get_.words = argv;
    const auto mark = std::find(words.begin(), words.end(), "--");
    if (mark != words.end()) command_.assign(mark + 1, words.end());
    try {
      app_.parse(static_cast<int>(mark - words.begin()), argv);
    } catch (const CLI::ParseError& error) {
      using Code = CLI::ExitCodes;
      const auto code = static_cast<Code>(error.get_exit_code());
      if (code == Code::RequiredError || code == Code::ExtrasError) throwWithGuidance();
      std::ostringstream text;  // of --help and --version
      const bool isDone = app_.exit(error, text) == 0;
      print(text.str());
      return isDone ? 0 : kUsage;
    }
    return chosen_();
  }

 private:
  enum class Runs { Nothing, AnotherCommand };

  /// Adds a command, which `run` runs.
  CLI::App& add(const std::string& name, Runs runs, const std::string& summary,
                const std::string& details, std::function<int()> run) {
    auto& command = *app_.add_subcommand(name, summary);
    runs_[name] = runs;
    if (runs == Runs::AnotherCommand) command.formatter(std::make_shared<FormatterForRunners>());
    command.footer(details);
    command.callback([this, name, runs, run = std::move(run)] {
      if (runs == Runs::AnotherCommand && command_.empty()) {
        throw CLI::RequiredError(name + " -- COMMAND:");
      }
      if (runs == Runs::Nothing && !command_.empty()) throw CLI::ExtrasError(command_);
      chosen_ = run;
    });
    return command;
  }

  /// Throws UsageError if the command is missing, which CLI11 cannot explain.
  void throwWithGuidance() const {
    const auto chosen = app_.get_subcommands();
    if (const auto words = app_.remaining(); chosen.empty() || !words.empty()) {
      std::string names;
      for (const auto* command : app_.get_subcommands(nullptr)) {
        names += (names.empty() ? "" : ", ") + command->get_name();
      }
      throw UsageError((words.empty() ? "there is no command in this command line"
                                      : "there is no command \"" + words.front() + "\"") +
                       "; the commands are " + names + ", and portpool --help explains them");
    }
    const auto& command = *chosen.front();
    const auto words = command.remaining();
    if (runs_.at(command.get_name()) == Runs::Nothing || !command_.empty()) return;
    if (!words.empty() && words.front().rfind('-', 0) == 0) return;
    const auto example = words.empty() ? "COMMAND [ARGUMENT...]" : words.front() + " ...";
    throw UsageError("the command to run is expected after \"--\", as in portpool " +
                     command.get_name() + " -- " + example);
  }

  /// A whole number, decimal with zeros before it, too, and never octal.
  static CLI::Option& decimal(CLI::Option& option) {
    return *option.transform([](const std::string& text) {
      if (text.empty()) throw CLI::ValidationError("a number is expected, and not \"\"");
      return text.substr(std::min(text.find_first_not_of('0'), text.size() - 1));
    });
  }

  static void addPorts(CLI::App& command, PortOptions& ports) {
    decimal(*command.add_option("-n", ports.count, "How many ports, all or none"))
        .check(CLI::Range(1, 65535))
        ->option_text("COUNT");
    command.add_flag("--block", ports.isBlock, "Consecutive ports");
    const auto addNumber = [&](const std::string& name, auto& number, const std::string& text) {
      decimal(*command.add_option(name, number, text))
          .check(CLI::Range(1, 65535))
          ->option_text("NUMBER");
    };
    addNumber("--distance", ports.distance, "A block of ports at this distance");
    addNumber("--multiple-of", ports.multipleOf,
              "A number that divides the port, or a block's first");
    command.add_flag("--udp", ports.isUDP, "Ports for UDP");
  }

  void addExec() {
    auto& command = add("exec", Runs::AnotherCommand, "Run a command with ports of its own",
                        "Sets PORT to the first port, PORT0, PORT1 and so on to each, and replaces "
                        "{port}, {port0}\nand so on in the arguments. Forwards signals, and dies "
                        "with its parent. The ports are leased\nuntil the command ends.\n\n"
                        "Examples:\n"
                        "  portpool exec -- redis-server --port {port}\n"
                        "  portpool exec -n 2 --env HTTP -- sh -c 'serve $HTTP0 $HTTP1'\n"
                        "  portpool exec -n 2 --block --multiple-of 2 --udp -- serve-rtp {port}\n"
                        "  portpool exec -n 2 --distance 10000 -- redis-server node.conf --port "
                        "{port}\n"
                        "  portpool exec --listen -- serve-by-LISTEN_FDS",
                        [this] { return exec(exec_, command_); });
    addPorts(command, exec_.ports);
    auto* hold = command.add_flag("--hold", exec_.hold,
                                  "Keep the ports bound, for servers that set SO_REUSEADDR");
    command
        .add_flag("--listen", exec_.listen,
                  "Pass a listening socket for each port, from descriptor 3 on, by LISTEN_FDS")
        ->excludes(hold)
        ->excludes("--udp");
    hold->excludes("--udp");
    command.add_option("--env", exec_.variable, "Another name for the variable PORT")
        ->check([](const std::string& name) {
          const bool isName = !name.empty() && name.find('=') == std::string::npos;
          return isName ? "" : "\"" + name + "\" cannot be the name of a variable";
        })
        ->option_text("NAME");
  }

  void addGet() {
    auto& command = add("get", Runs::Nothing, "Print ports that stay leased until a process ends",
                        "The process is the shell that runs the script, even from within $(...) "
                        "and pipes. If another program\nruns portpool, like timeout or xargs, the "
                        "process is that program: name the shell by --for $$. Do\nso in a process "
                        "substitution <(...), too, whose shell may have ended or become another "
                        "program.\nIf a program runs a shell for a command, like make and "
                        "system(), that shell is the process, and the\nport is given back when "
                        "it ends: name the program by --for $PPID.\n\n"
                        "Examples:\n"
                        "  PORT=$(portpool get)\n"
                        "  PORT=$(timeout 5 portpool get --for $$)\n"
                        "  PORT := $(shell portpool get --for $$PPID)      (in a makefile)\n"
                        "  set -- $(portpool get -n 2 --distance 10000)    (for a node of Redis)",
                        [this] { return get(get_); });
    addPorts(command, get_.ports);
    decimal(*command.add_option("--for", get_.pid, "The process, if it is not the calling shell"))
        .option_text("PID");
  }

  void addIsolate() {
    add("isolate", Runs::AnotherCommand, "Run a command in a network of its own",
        "The command, and every program it starts, runs in user and network namespaces of its "
        "own, with\nloopback up: it may use any port without a conflict. It can still "
        "reach files and SysV\nshared memory. It cannot reach other networks, abstract sockets "
        "outside, or anything that needs\nanother user ID than its own. A command that lists its "
        "tests (--gtest_list_tests, --list-tests)\nis not isolated.\n\n"
        "Examples:\n"
        "  portpool isolate -- ./server_test\n"
        "  cmake -DCMAKE_TEST_LAUNCHER=\"portpool;isolate;--\" ..            (CMake 3.29)\n"
        "  cmake -DCMAKE_CROSSCOMPILING_EMULATOR=\"portpool;isolate;--\" ..  (before)\n"
        "  portpool_isolate_tests(server_test)                    (in CMakeLists.txt)",
        [this] { return isolate(command_); });
  }

  void addAudit() {
    auto& command = add(
        "audit", Runs::AnotherCommand, "Find the ports that a command uses without a lease",
        "Runs the command, then lists the TCP and UDP ports of this machine that it, or any "
        "program it starts,\nbound or connected to without a lease, worst first. Ports bound by "
        "more than "
        "one process will\ncollide when tests run in parallel; ports in the ephemeral range fail "
        "by chance. The report follows\nthe command's own output. With --json it includes the "
        "leased ports.\n\n"
        "A preloaded library (LD_PRELOAD) records bind() and connect(). It cannot be loaded into "
        "programs that\nare statically linked, built for another architecture, set-user-ID, or "
        "started without this\nenvironment (env -i); the report names those, and programs that "
        "are still running when the command\nends. System calls that bypass the C library, like "
        "those of Go, are missed without a message, and\nso are those of plug-ins that are loaded "
        "by dlmopen() or with RTLD_DEEPBIND. The library makes system\ncalls of its own, "
        "such as getsockopt() and connect(): a seccomp filter that kills the process for\none of "
        "these does so here, too.\n\n"
        "Examples:\n"
        "  portpool audit -- ctest -j8\n"
        "  portpool audit --fail -- ctest -j8         (in continuous integration)\n"
        "  portpool audit --json --output ports.json -- ./server_test",
        [this] { return audit(audit_, command_); });
    command.add_flag("--json", audit_.isJSON, "Print a report for programs");
    command.add_flag(
        "--fail", audit_.fail,
        "Exit with status 1 if a port was used without a lease or the report is incomplete "
        "(programs that could not be observed do not count)");
    command.add_option("--output", audit_.output, "Write the report to a file instead of stdout")
        ->option_text("FILE");
  }

  static void addJson(CLI::App& command, bool& asJson) {
    command.add_flag("--json", asJson, "Print JSON");
  }

  void addList() {
    auto& command =
        add("list", Runs::Nothing, "List the leased ports: who leases each, and what listens on it",
            "Lists the leases of all users in this network namespace. The command line of a test "
            "program that CTest\nruns names its test; it is cut after 400 bytes, in JSON after "
            "16 KiB. What `portpool get`\nhas leased is shown as \"portpool get --for PID\", and "
            "what this user may not see as \"?\".\n\n"
            "Examples:\n"
            "  portpool list\n"
            "  portpool list --json | jq '.ports[].port'",
            [this] { return list(list_); });
    addJson(command, list_.asJson);
  }

  void addWho() {
    auto& command = add("who", Runs::Nothing, "Show who uses a port",
                        "Lists who leases the port, which server listens on it, and which "
                        "connections are open or linger.\nThe exit status is 1 if nobody uses "
                        "it.\n\n"
                        "Examples:\n"
                        "  portpool who 23817\n"
                        "  until portpool who 23817 > /dev/null; do sleep 0.1; done",
                        [this] { return who(who_); });
    decimal(*command.add_option("port", who_.port, "The port"))
        .required()
        ->check(CLI::Range(1, 65535))
        ->option_text("PORT");
    addJson(command, who_.asJson);
  }

  void addDoctor() {
    auto& command = add("doctor", Runs::Nothing, "Show what will make tests flaky on this machine",
                        "Shows which ports tests get and why, and each problem with the command "
                        "that fixes it. Run it with the\nenvironment and the limits of the tests. "
                        "The exit status is 1 if something will fail, 0 if there\nare only "
                        "warnings.\n\n"
                        "Examples:\n"
                        "  portpool doctor\n"
                        "  portpool doctor --json | jq '.findings[] | select(.severity != \"ok\")'",
                        [this] { return doctor(doctor_); });
    addJson(command, doctor_.asJson);
  }

  void addServe() {
    auto& command = add(
        "serve", Runs::Nothing, "Hand out ports to tests that use portpicker",
        "Speaks the protocol of Google's portserver: tests in Python and other languages that use "
        "portpicker with\nPORTSERVER_ADDRESS share the leases of the C++ tests beside them. A "
        "port is leased until the process it\nwas requested for ends, or the server does. The "
        "ports are those that PORTPOOL_PORTS or\nPORTPOOL_PORTS_FILE name, unless --ports does. "
        "Prints a line when it is ready; SIGTERM or SIGINT\nends it.\n\n"
        "Examples:\n"
        "  portpool serve & PORTSERVER_ADDRESS=@unittest-portserver pytest\n"
        "  portpool serve --address /run/tests/ports --ports 20000-20999",
        [this] { return serve(serve_); });
    command
        .add_option("--address", serve_.address, "Where to listen: @NAME, or the path of a socket")
        ->option_text("ADDRESS [" + serve_.address + "]");
    command.add_option("--ports", serve_.ports, "The ports, like 20000-20999,30000")
        ->check([](const std::string& text) -> std::string {
          try {
            return parsePortSet(text).empty() ? "no port" : "";
          } catch (const PortSpecificationError& error) {
            return error.what();
          }
        })
        ->option_text("SPEC");
    command.add_flag("--any-user", serve_.servesAnyUser,
                     "Serve every user instead of only this one");
  }

  CLI::App app_{"Gives every test its own TCP ports.", "portpool"};
  std::function<int()> chosen_;
  std::map<std::string, Runs> runs_;  // by the name of the command
  Command command_;                   // after "--"
  ExecOptions exec_;
  GetOptions get_;
  AuditOptions audit_;
  ListOptions list_;
  WhoOptions who_;
  DoctorOptions doctor_;
  ServeOptions serve_;
};

}  // namespace
}  // namespace portpool::cli

namespace {

/// Opens /dev/null in place of each closed standard descriptor, for this program and not for its
/// children: otherwise another file would get that number. Writing to it fails.
void openStandardDescriptors() {
  int descriptor = 0;
  while (descriptor >= 0 && descriptor <= STDERR_FILENO) {
    descriptor = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  if (descriptor >= 0) ::close(descriptor);
}

}  // namespace

int main(int argc, char** argv) {
  openStandardDescriptors();
  try {
    return portpool::cli::CommandLine().run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "portpool: %s\n", error.what());
    const bool isUsage = dynamic_cast<const portpool::cli::UsageError*>(&error) != nullptr;
    return isUsage ? portpool::cli::kUsage : portpool::cli::kFailure;
  }
}
