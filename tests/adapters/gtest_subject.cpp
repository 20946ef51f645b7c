// The scenarios of gtest_adapter_test.cpp, one or more suites each; it runs them with a filter.

#include "subject.hpp"

#include <portpool/gtest.hpp>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>

namespace {

using portpool::getNextAvailableTCPPort;

// ---- Where ports come from ----------------------------------------------------------------------

TEST(Plain, ServesOnTwoPorts) {
  const Bracket test("test");
  NotedServer first(getNextAvailableTCPPort());
  NotedServer second(getNextAvailableTCPPort());
  EXPECT_TRUE(first.isReached());
  EXPECT_TRUE(second.isReached());
}

TEST(Plain, UsesNoPort) { const Bracket test("test"); }

class Fixture : public portpool::gtest::PortFixture<> {
 protected:
  void SetUp() override { inSetUp = std::make_unique<NotedServer>(getNextAvailableTCPPort()); }
  void TearDown() override { note("tear-down", getNextAvailableTCPPort({"localhost"})); }

  Bracket bracket{"test"};
  NotedServer server{getNextAvailableTCPPort()};
  std::unique_ptr<NotedServer> inSetUp;
};

TEST_F(Fixture, ServesAsMember) {
  NotedServer inBody(portpool::getNextAvailableTCPPort({""}, portpool::AddressFamily::IPv4));
  EXPECT_TRUE(server.isReached());
  EXPECT_TRUE(inSetUp->isReached());
  EXPECT_TRUE(inBody.isReached());
}
TEST_F(Fixture, Again) { EXPECT_TRUE(server.isReached()); }
TEST_F(Fixture, DISABLED_NotRun) { EXPECT_TRUE(server.isReached()); }

class UsersFixture : public ::testing::TestWithParam<int> {
 protected:
  Bracket bracket{"test"};
  NotedServer inBase{getNextAvailableTCPPort()};
};
class Parameterised : public portpool::gtest::PortFixture<UsersFixture> {
 protected:
  NotedServer server{getNextAvailableTCPPort()};
};
TEST_P(Parameterised, Serves) {
  EXPECT_GE(GetParam(), 0);
  EXPECT_TRUE(inBase.isReached());
  EXPECT_TRUE(server.isReached());
}
INSTANTIATE_TEST_SUITE_P(Three, Parameterised, ::testing::Range(0, 3));

template <class T>
class Typed : public portpool::gtest::PortFixture<> {
 protected:
  Bracket bracket{"test"};
  NotedServer server{this->getNextAvailableTCPPort()};
};
using Types = ::testing::Types<int, char>;
struct TypeNames {
  template <class T>
  static std::string GetName(int index) {
    return std::to_string(index);
  }
};
TYPED_TEST_SUITE(Typed, Types, TypeNames);
TYPED_TEST(Typed, Serves) { EXPECT_TRUE(this->server.isReached()); }

// ---- Trouble ------------------------------------------------------------------------------------

enum class What { FatalFailure, Exception, Skip };

class Trouble
    : public portpool::gtest::PortFixture<::testing::TestWithParam<std::tuple<std::string, What>>> {
 protected:
  Trouble() { meet("Constructor"); }
  void SetUp() override { meet("SetUp"); }
  void TearDown() override { meet("TearDown"); }

  /// Takes a port, and gets into trouble if this is the place for it.
  void meet(const std::string& place) {
    note("in " + place, getNextAvailableTCPPort());
    const auto& [where, what] = GetParam();
    if (where != place) return;
    if (what == What::FatalFailure) FAIL() << "trouble in " << place;
    if (what == What::Exception) throw std::runtime_error("trouble in " + place);
    GTEST_SKIP() << "trouble in " << place;
  }

  Bracket bracket{"test"};
  NotedServer server{getNextAvailableTCPPort()};
};
TEST_P(Trouble, Met) { meet("Body"); }

std::string nameOfTrouble(const ::testing::TestParamInfo<Trouble::ParamType>& test) {
  const auto& [where, what] = test.param;
  const std::string end = what == What::FatalFailure ? "Fails"
                          : what == What::Exception  ? "Throws"
                                                     : "Skips";
  return where + end;
}
INSTANTIATE_TEST_SUITE_P(
    Any, Trouble,
    ::testing::Combine(::testing::Values("Constructor", "SetUp", "Body", "TearDown"),
                       ::testing::Values(What::FatalFailure, What::Exception, What::Skip)),
    nameOfTrouble);

TEST(RunningOut, FailsTheTest) {
  const Bracket test("test");
  for (;;) note("got", getNextAvailableTCPPort());
}
TEST(RunningOut, LeavesTheNextTestAlone) { const Bracket test("next test"); }

// ---- Suites -------------------------------------------------------------------------------------

class SuiteLevel : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server = std::make_unique<NotedServer>(getNextAvailableTCPPort()).release();
  }
  static void TearDownTestSuite() {
    delete server;
    note("suite ends", getNextAvailableTCPPort());
  }
  static NotedServer* server;
};
NotedServer* SuiteLevel::server = nullptr;
TEST_F(SuiteLevel, First) {
  NotedServer own(getNextAvailableTCPPort());
  note("in suite", server->port());
  EXPECT_TRUE(server->isReached());
}
TEST_F(SuiteLevel, Second) {
  note("in suite", server->port());
  EXPECT_TRUE(server->isReached());
}
TEST(SuiteLevelOver, Test) { note("after suite"); }

template <What Kind>
class SuiteInTrouble : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    note("in suite", getNextAvailableTCPPort());
    if (Kind == What::FatalFailure) FAIL() << "trouble in SetUpTestSuite";
    if (Kind == What::Exception) throw std::runtime_error("trouble in SetUpTestSuite");
    GTEST_SKIP() << "trouble in SetUpTestSuite";
  }
};
using SuiteFails = SuiteInTrouble<What::FatalFailure>;
using SuiteThrows = SuiteInTrouble<What::Exception>;
using SuiteSkips = SuiteInTrouble<What::Skip>;
TEST_F(SuiteFails, Test) { note("body"); }
TEST_F(SuiteThrows, Test) { note("body"); }
TEST_F(SuiteSkips, Test) { note("body"); }
TEST(SuitesInTroubleOver, Test) { note("after suite"); }

// ---- Death tests --------------------------------------------------------------------------------

class Death : public portpool::gtest::PortFixture<> {
 protected:
  Bracket bracket{"test"};
  NotedServer server{getNextAvailableTCPPort()};
};
TEST_F(Death, ChildExits) {
  const auto inTestScope = portpool::getNextAvailableTCPPort();
  EXPECT_EXIT(std::exit(3), ::testing::ExitedWithCode(3), "");
  note("child gone", server.port());
  note("child gone", inTestScope);
  EXPECT_TRUE(server.isReached());
}
TEST_F(Death, ChildAbortsWithPortsOfItsOwn) {
  EXPECT_DEATH(
      {
        NotedServer own(portpool::getNextAvailableTCPPort());
        if (own.isReached()) note("child serves");
        std::abort();
      },
      "child serves");
  note("child gone", server.port());
  EXPECT_TRUE(server.isReached());
}

}  // namespace
