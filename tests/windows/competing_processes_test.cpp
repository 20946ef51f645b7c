// Processes that compete for the same ports.

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <portpool/portpool.hpp>

#include "started_program.hpp"
#include "unit/surroundings.hpp"

namespace portpool::test {
namespace {

StartedProgram startTaker(const PortSet& ports) {
  StartedProgram taker(PORT_TAKER, {ports.toString()});
  if (const auto line = taker.receive(); line != "ready") throw std::runtime_error(line);
  return taker;
}

bool canTake(const PortSet& ports) {
  try {
    PortPool(ports, impatient()).allocate();
    return true;
  } catch (const NoPortAvailableError&) {
    return false;
  }
}

TEST(CompetingProcesses, ExcludeEachOther) {
  const auto ports = freshPorts(3);
  const auto one = startTaker(ports);
  const auto other = startTaker(ports);
  std::set<std::string> taken;
  for (int i = 0; i < 3; ++i) taken.insert((i % 2 == 0 ? one : other).ask("take"));
  EXPECT_EQ(taken.size(), 3U);
  EXPECT_EQ(taken.count("0"), 0U);
  EXPECT_EQ(one.ask("take"), "0");
  EXPECT_EQ(other.ask("take"), "0");
  EXPECT_FALSE(canTake(ports));
  EXPECT_EQ(*leasedPorts() & ports, ports);
  one.ask("return");
  EXPECT_NE(other.ask("take"), "0");
  EXPECT_TRUE(canTake(ports));
}

TEST(CompetingProcesses, LoseTheirPortsWhenTheyAreKilled) {
  const auto ports = freshPorts(2);
  auto holder = startTaker(ports);
  holder.ask("several 2");
  EXPECT_FALSE(canTake(ports));
  holder.kill();
  EXPECT_EQ(PortPool(ports).allocateSeveral(2).size(), 2U);
}

TEST(CompetingProcesses, LoseTheirPortsWhenTheyExit) {
  const auto ports = freshPorts(2);
  auto holder = startTaker(ports);
  holder.ask("several 2");
  EXPECT_EQ(holder.finish(), 0U);
  EXPECT_TRUE(canTake(ports));
}

TEST(CompetingProcesses, DoNotInheritWhatTheirParentHas) {
  const auto ports = freshPorts(1);
  PortPool pool(ports);
  std::optional<TCPPortOwner> owner(pool.allocate());
  std::optional<ListeningSocket> server(owner->listen());
  const auto child = startTaker(ports);
  EXPECT_EQ(child.ask("take"), "0");
  server.reset();
  owner.reset();
  EXPECT_EQ(child.ask("take"), ports.toString());
}

TEST(CompetingProcesses, WaitForEachOther) {
  const auto ports = freshPorts(1);
  const auto holder = startTaker(ports);
  const auto waiter = startTaker(ports);
  EXPECT_EQ(holder.ask("take"), ports.toString());
  waiter.send("wait");
  EXPECT_EQ(holder.ask("return"), "ok");
  EXPECT_EQ(waiter.receive(), ports.toString());
}

TEST(CompetingProcesses, WaitForOneThatIsKilled) {
  const auto ports = freshPorts(2);
  auto holder = startTaker(ports);
  const auto waiter = startTaker(ports);
  holder.ask("several 2");
  waiter.send("several 2");
  holder.kill();
  std::istringstream words(waiter.receive());
  PortSet got;
  for (std::uint16_t port = 0; words >> port;) got.insert(port);
  EXPECT_EQ(got, ports);
}

// More processes than ports: each port has one server at a time.
TEST(CompetingProcesses, ServeAlone) {
  constexpr int kProcesses = 6;
  const auto ports = freshPorts(4);
  std::vector<StartedProgram> takers;
  for (int i = 0; i < kProcesses; ++i) takers.push_back(startTaker(ports));
  for (const auto& taker : takers) taker.send("serve 200");
  for (const auto& taker : takers) EXPECT_EQ(taker.receive(), "ok");
}

}  // namespace
}  // namespace portpool::test
