#include "port_sources.hpp"

#include <atomic>
#include <boost/asio.hpp>
#include <mutex>
#include <random>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include <portpool/portpool.hpp>

#include "support/boost_process.hpp"

namespace portpool::bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

Port leased() {
  auto owner = std::make_shared<TCPPortOwner>();
  const auto number = owner->port();
  return {number, std::move(owner)};
}

/// Asks the system for a port, closes the socket, and hopes.
Port boundAsZeroAndClosed() {
  asio::io_context context;
  const tcp::acceptor socket(context, {tcp::v4(), 0}, false);
  return {socket.local_endpoint().port(), nullptr};
}

std::uint16_t randomServerPort() {
  static const auto set = getServerTCPPorts();
  static const std::vector<std::uint16_t> ports(set.begin(), set.end());
  thread_local std::mt19937_64 random{std::random_device{}()};
  return ports[std::uniform_int_distribution<std::size_t>(0, ports.size() - 1)(random)];
}

bool canBind(const tcp::endpoint& endpoint, bool listen) {
  asio::io_context context;
  tcp::acceptor socket(context, endpoint.protocol());
  error_code error;
  socket.bind(endpoint, error);
  if (!error && listen) socket.listen(1, error);
  return !error;
}

Port randomAndProbed() {
  for (;;) {
    const auto port = randomServerPort();
    if (canBind({tcp::v4(), port}, false)) return {port, nullptr};
  }
}

/// PySys's probe: every address and localhost, and it listens.
Port randomAndProbedAsPySys() {
  for (;;) {
    const auto port = randomServerPort();
    if (canBind({tcp::v4(), port}, true) && canBind({asio::ip::address_v4::loopback(), port}, true))
      return {port, nullptr};
  }
}

class Command {
 public:
  Command(const std::string& command, std::atomic<long>& started)
      : started_(started), child_(command, bp::std_in<input_, bp::std_out> output_) {}
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command() {
    input_.pipe().close();
    std::error_code ended;
    child_.wait(ended);
  }

  std::uint16_t take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    input_ << "take" << std::endl;
    int port = 0;
    long started = 0;
    if (!(output_ >> port >> started)) throw std::runtime_error("the source of ports gives none");
    started_ = started;
    return static_cast<std::uint16_t>(port);
  }

  void giveBack(std::uint16_t port) {
    const std::lock_guard<std::mutex> lock(mutex_);
    input_ << "return " << port << std::endl;
  }

 private:
  std::atomic<long>& started_;
  std::mutex mutex_;
  bp::opstream input_;
  bp::ipstream output_;
  bp::child child_;
};

}  // namespace

const std::map<std::string, PortSource>& builtInSources() {
  static const std::map<std::string, PortSource> sources = {
      {"portpool", leased},
      {"bind-zero", boundAsZeroAndClosed},
      {"random-probe", randomAndProbed},
      {"pysys-probe", randomAndProbedAsPySys},
  };
  return sources;
}

PortSource sourceOfCommand(const std::string& command, std::atomic<long>& started) {
  return [source = std::make_shared<Command>(command, started)]() -> Port {
    const auto port = source->take();
    return {port, std::shared_ptr<void>(nullptr, [=](void*) { source->giveBack(port); })};
  };
}

}  // namespace portpool::bench
