// What an allocation and its release cost, beside the bare system calls that it makes, and beside
// the least that any allocation that probes must do.

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>
#include <portpool/portpool.hpp>

#include "platform/linux/lease_name.hpp"

namespace {

using benchmark::State;
using portpool::PortPool;

constexpr std::size_t kLeased = 1000;
constexpr int kThreads = 16;

PortPool& pool() {
  static PortPool pool(portpool::getServerTCPPorts());
  return pool;
}

/// The pool's ports in a random order, in turn.
std::uint16_t nextPort() {
  static const auto ports = [] {
    std::vector<std::uint16_t> shuffled(pool().ports().begin(), pool().ports().end());
    std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937_64(1));
    return shuffled;
  }();
  static std::atomic<std::size_t> turn{0};
  return ports[turn++ % ports.size()];
}

/// The floor: a socket, its bind, its close.
void probeAPort(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in everyAddress{};
  everyAddress.sin_family = AF_INET;
  everyAddress.sin_port = htons(port);
  benchmark::DoNotOptimize(
      ::bind(socket, reinterpret_cast<const sockaddr*>(&everyAddress), sizeof everyAddress));
  ::close(socket);
}

void bindOnly(State& state) {
  for (auto _ : state) probeAPort(nextPort());
}

/// The seven system calls of an allocation and its release, as `strace` shows them: three for the
/// lease, four for the probe.
void callOnly(State& state) {
  using portpool::platform::AbstractAddress;
  using portpool::platform::LeaseName;
  for (auto _ : state) {
    const auto port = nextPort();
    const AbstractAddress name{LeaseName(port)};
    const int lease = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    benchmark::DoNotOptimize(::bind(lease, name.get(), name.size));
    const int probe = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in6 everyAddress{};
    everyAddress.sin6_family = AF_INET6;
    everyAddress.sin6_port = htons(port);
    benchmark::DoNotOptimize(
        ::bind(probe, reinterpret_cast<const sockaddr*>(&everyAddress), sizeof everyAddress));
    constexpr int kOn = 1;
    ::setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof kOn);
    ::close(probe);
    ::close(lease);
  }
}

void allocate(State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(pool().allocate());
}

void allocateBlock(State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  pool().allocateBlock(count);  // the first pass
  for (auto _ : state) benchmark::DoNotOptimize(pool().allocateBlock(count));
}

void whileManyAreLeased(State& state, void (*measured)(State&)) {
  const auto leased = pool().allocateSeveral(kLeased);
  measured(state);
}

/// A pool meets every busy port of the machine for the first time: from the first allocation until
/// a port comes for the second time.
void firstPass(State& state) {
  std::size_t free = 0;
  PortPool fresh(pool().ports());
  std::bitset<65536> seen;
  for (auto _ : state) {
    for (;;) {
      const auto port = fresh.allocate().port();
      if (seen[port]) break;
      seen[port] = true;
      ++free;
    }
  }
  state.counters["free"] = static_cast<double>(free);
  state.counters["busy"] = static_cast<double>(pool().ports().size() - free);
}

}  // namespace

int main(int count, char** arguments) {
  std::thread([] {}).join();  // a probe leaves out a call in a process without threads
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 2 * kLeased);
  ::setrlimit(RLIMIT_NOFILE, &limit);

  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  benchmark::RegisterBenchmark("floor", bindOnly);
  benchmark::RegisterBenchmark("calls", callOnly);
  benchmark::RegisterBenchmark("allocate", allocate);
  benchmark::RegisterBenchmark("block", allocateBlock)->Arg(1)->Arg(2)->Arg(4)->Arg(16);
  benchmark::RegisterBenchmark("floor/leased", whileManyAreLeased, bindOnly);
  benchmark::RegisterBenchmark("calls/leased", whileManyAreLeased, callOnly);
  benchmark::RegisterBenchmark("allocate/leased", whileManyAreLeased, allocate);
  benchmark::RegisterBenchmark("floor", bindOnly)->Threads(kThreads)->UseRealTime();
  benchmark::RegisterBenchmark("calls", callOnly)->Threads(kThreads)->UseRealTime();
  benchmark::RegisterBenchmark("allocate", allocate)->Threads(kThreads)->UseRealTime();
  benchmark::RegisterBenchmark("first_pass", firstPass)->Iterations(1);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
