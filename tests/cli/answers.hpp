#pragma once

// What the command answers with --json.

#include "command.hpp"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace portpool::test {

using Json = nlohmann::json;

inline Json jsonOf(const ProcessResult& result) {
  auto json = Json::parse(result.output, nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << result.output << result.errors;
  return json;
}

/// The members of the list whose `key` is `value`.
inline Json having(const Json& list, const char* key, const Json& value) {
  auto found = Json::array();
  for (const auto& member : list) {
    if (member[key] == value) found.push_back(member);
  }
  return found;
}

/// A user without rights, where this process is root's: the number, and a shell command that runs
/// what follows as that user.
inline constexpr const char* kOtherUser = "61184";
inline constexpr const char* kAsOtherUser = "setpriv --reuid=61184 --regid=61184 --clear-groups ";

/// A copy of the command where every user may run it.
class PublicCommand {
 public:
  PublicCommand() {
    auto name = (std::filesystem::temp_directory_path() / "portpool_cli_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = name;
    std::filesystem::permissions(folder_, std::filesystem::perms(0755));
    std::filesystem::copy(PORTPOOL_COMMAND, folder_ / "portpool");
  }
  PublicCommand(const PublicCommand&) = delete;
  PublicCommand& operator=(const PublicCommand&) = delete;
  ~PublicCommand() { std::filesystem::remove_all(folder_); }

  std::string path() const { return (folder_ / "portpool").string(); }

 private:
  std::filesystem::path folder_;
};

/// The users of the port that an answer of `list` shows.
inline Json usersIn(const Json& answer, std::uint16_t port) {
  const auto found = having(answer["ports"], "port", port);
  EXPECT_LE(found.size(), 1U) << found;
  return found.empty() ? Json::array() : found[0]["users"];
}

/// The users that `list` or `who` shows of a port, asked at the end of a Python script that has it.
inline Json usersOfPythonsPort(const std::string& command, const std::string& script) {
  const std::string kBefore = R"(
import os, socket, subprocess, sys
port = int(os.environ["PORT"])
address = "127.0.0.1", port
)";
  const std::string kAfter = R"(
print(port, file=sys.stderr)
subprocess.run(["portpool", *sys.argv[1:]] + [str(port)] * (sys.argv[1] == "who"))
)";
  const auto result = runScript("portpool exec -- python3 -c '" + kBefore + script + kAfter + "' " +
                                command + " --json");
  const auto answer = jsonOf(result);
  const auto ports = portsIn(result.errors);
  EXPECT_EQ(ports.size(), 1U) << result.errors;
  if (ports.empty()) return {};
  return command == "who" ? answer["users"] : usersIn(answer, ports[0]);
}

/// From now on this process sees no /proc. Only for a forked child of root's.
inline void hideProc() {
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("none", "/proc", "tmpfs", 0, nullptr) != 0) {
    throw std::runtime_error("the kernel refuses another /proc");
  }
}

class AmongUsers : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users: run this test as root";
  }
  const PublicCommand command_;
};

}  // namespace portpool::test
