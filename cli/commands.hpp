#pragma once

// The commands, one file for each. Each returns the exit status, or throws std::exception with a
// message for the user, which ends the program with kFailure, or kUsage if it is a UsageError.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace portpool::cli {

inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;
inline constexpr int kNotExecutable = 126;  // as in shells
inline constexpr int kNotFound = 127;

/// A command line that is not understood.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A command line: the program and its arguments.
using Command = std::vector<std::string>;

/// The options of the commands that hand out ports.
struct PortOptions {
  std::size_t count = 1;
  bool isBlock = false;
  std::optional<std::uint16_t> distance;  // between the ports, which are then a block
  std::uint16_t multipleOf = 1;           // divides the port, or the first port of a block
  bool isUDP = false;
};

struct ExecOptions {
  PortOptions ports;
  bool hold = false;
  bool listen = false;
  std::string variable = "PORT";
};
int exec(const ExecOptions& options, Command command);

struct GetOptions {
  PortOptions ports;
  std::optional<int> pid;  // the process for which the ports are leased
  char** words = nullptr;  // this program's command line, in the memory that the system shows
};
int get(const GetOptions& options);

int isolate(const Command& command);

struct AuditOptions {
  bool isJSON = false;
  bool fail = false;   // if there is a port that was not leased
  std::string output;  // the path for the report, or "" for stdout
};
int audit(const AuditOptions& options, const Command& command);

struct ListOptions {
  bool asJson = false;
};
int list(const ListOptions& options);

struct WhoOptions {
  std::uint16_t port = 0;
  bool asJson = false;
};
int who(const WhoOptions& options);

struct DoctorOptions {
  bool asJson = false;
};
int doctor(const DoctorOptions& options);

struct ServeOptions {
  std::string address = "@unittest-portserver";  // like Google's portserver
  std::optional<std::string> ports;              // a text for parsePortSet
  bool servesAnyUser = false;
};
int serve(const ServeOptions& options);

}  // namespace portpool::cli
