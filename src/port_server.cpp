#include "port_server.hpp"

#include "environment.hpp"
#include "platform/process.hpp"
#include "platform/unix_server.hpp"
#include "text.hpp"

#include <portpool/errors.hpp>
#include <portpool/server_ports.hpp>

#include <charconv>
#include <chrono>
#include <system_error>
#include <utility>

namespace portpool {
namespace {

constexpr const char* kAddressVariable = "PORTSERVER_ADDRESS";
constexpr std::uint64_t kLargestPort = 65535;
constexpr std::size_t kLongestNumber = 100;  // or whatever a server answers in its place

/// The lease of a port that its server holds.
class LeaseOfServer final : public platform::Lease {
 public:
  std::optional<std::uint16_t> await(std::chrono::steady_clock::time_point /*deadline*/) override {
    return std::nullopt;
  }
};

class LeasesOfServer final : public platform::LeaseRegistry {
 public:
  explicit LeasesOfServer(const PortServer& server) : server_(server) {}

  LeaseKind kind() const noexcept override { return own_->kind(); }
  std::unique_ptr<platform::Lease> tryAcquire(std::uint64_t key) override {
    if (isHeldByServer(key)) return std::make_unique<LeaseOfServer>();
    return own_->tryAcquire(key);
  }
  bool isLeased(std::uint64_t key) override { return !isHeldByServer(key) && own_->isLeased(key); }
  bool wake(std::uint64_t key, std::uint16_t port) noexcept override {
    return own_->wake(key, port);
  }
  bool hasMessages() const noexcept override { return own_->hasMessages(); }
  bool isOneOfTwo() const noexcept override { return own_->isOneOfTwo(); }
  bool isLeasedByTheOther(std::uint16_t port) override {
    return !server_.isOurs() && own_->isLeasedByTheOther(port);
  }

 private:
  bool isHeldByServer(std::uint64_t key) const { return key <= kLargestPort && server_.isOurs(); }

  const PortServer& server_;
  std::unique_ptr<platform::LeaseRegistry> own_ = platform::makeLeaseRegistry();
};

}  // namespace

std::string PortServer::title() const {
  return "the port server at \"" + printable(address_, kLongestName) + "\" (" + kAddressVariable +
         ')';
}

std::string PortServer::ask(const std::string& request, std::size_t longest) const {
  constexpr std::chrono::seconds kTimeout{5};
  std::string answer;
  const int error = platform::askUnixServer(address_, request + '\n', kTimeout, longest, answer);
  if (error == 0) return answer;
  throw PortServerError(title() + " does not answer (" + std::generic_category().message(error) +
                        "); start it (portpool serve, or portserver), name another, or unset " +
                        kAddressVariable);
}

void PortServer::meet() {
  if (kind_ != Kind::Unknown) return;
  // Google's portserver refuses to give process 0 a port.
  kind_ = ask("0", kLongestNumber) == "portpool" ? Kind::Ours : Kind::Another;
}

std::vector<std::uint16_t> PortServer::draw(std::size_t count, Choice choice) const {
  const std::string request = std::to_string(platform::pid()) +
                              (count == 1 ? "" : ' ' + std::to_string(count)) +
                              (count == 1 || choice == Choice::Consecutive ? "" : " any");
  const auto answer = ask(request, kLongestNumber * count);
  if (answer.empty() || answer == "0") return {};
  std::vector<std::uint16_t> ports;
  const auto* text = answer.data();
  const auto* const end = text + answer.size();
  for (std::uint16_t port = 0;; ++text) {  // past the blank
    const auto [rest, error] = std::from_chars(text, end, port);
    if (error != std::errc() || port == 0) break;
    ports.push_back(port);
    text = rest;
    if (text == end || *text != ' ') break;
  }
  const auto expected = choice == Choice::Any ? count : 1;
  if (text == end && ports.size() == expected &&
      ports.back() + (count - expected) <= kLargestPort) {
    while (ports.size() < count) ports.push_back(static_cast<std::uint16_t>(ports.back() + 1));
    return ports;
  }
  throw PortServerError(title() + " answers " + portpool::quoted(answer) + ", which is not a port" +
                        (expected == 1 ? "" : " or not enough of them") +
                        "; name a portserver, or unset " + kAddressVariable);
}

std::string PortServer::describeEnd() const {
  return title() +
         " gives this process no other port: it has none left, or does not serve this user, which "
         "it says itself. Have it serve more ports, or set PORTPOOL_PORTS to go without it";
}

std::string portServerAddress() {
  return serverTCPPortsVariable().empty() ? environmentVariable(kAddressVariable).value_or("") : "";
}

std::unique_ptr<PortServer> portServerOfEnvironment() {
  auto address = portServerAddress();
  return address.empty() ? nullptr : std::make_unique<PortServer>(std::move(address));
}

std::unique_ptr<platform::LeaseRegistry> makeLeaseRegistry(const PortServer& server) {
  return std::make_unique<LeasesOfServer>(server);
}

}  // namespace portpool
