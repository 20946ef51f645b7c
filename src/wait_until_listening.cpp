#include "hosts.hpp"
#include "platform/process.hpp"
#include "platform/socket.hpp"
#include "port_scope_state.hpp"

#include <portpool/errors.hpp>
#include <portpool/sockets.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

namespace portpool {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

void waitUntilListening(std::uint16_t port, const std::string& host,
                        std::chrono::milliseconds timeout, int childPid) {
  constexpr std::chrono::milliseconds kLongestRetry{20}, kLongestAttempt{1000};
  constexpr std::chrono::milliseconds kLongestTimeout =
      std::chrono::hours(24);  // that poll can take
  const auto start = Clock::now();
  const auto deadline =
      start + std::clamp(timeout, std::chrono::milliseconds::zero(), kLongestTimeout);
  auto addresses = addressesOf(host.empty() ? "localhost" : host, AddressFamily::Any);
  for (auto& address : addresses) address.port = port;
  std::chrono::milliseconds pause{1};
  // An attempt may hang where no server answers: Windows repeats one that is refused for a second
  // or two, and a full backlog answers nobody.
  std::chrono::milliseconds attempt{50};
  for (;;) {
    // Before the connection is tried: a server that is dead now does not answer any more.
    const bool died = childPid > 0 && platform::hasExited(childPid);
    for (const auto& address : addresses) {
      const auto connection =
          platform::connect(address, std::min(deadline, Clock::now() + attempt));
      // A connection to an ephemeral port can meet itself.
      if (connection && platform::boundAddress(connection.get()).port != port) return;
    }
    const auto now = Clock::now();
    if (died || now >= deadline) {
      const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - start);
      throw NotListeningError(
          "nothing listens on " + portTitle(port) + " of host \"" + host + "\" after " +
          std::to_string(elapsed.count()) + " ms" +
          (died ? ": the server, pid " + std::to_string(childPid) + ", has exited; see its output"
                : "; see whether the server started, on this port and host, or wait longer"));
    }
    std::this_thread::sleep_for(std::min<Clock::duration>(pause, deadline - now));
    pause = std::min(pause * 2, kLongestRetry);
    attempt = std::min(attempt * 2, kLongestAttempt);
  }
}

}  // namespace portpool
