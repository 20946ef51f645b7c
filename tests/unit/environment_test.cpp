#include "environment.hpp"

#include <gmock/gmock.h>

#include <string>

#include <portpool/errors.hpp>

#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

constexpr const char* kName = "PORTPOOL_UNIT_TEST";

std::string choice() { return environmentChoice(kName, {"some", "all", "none"}); }

TEST(EnvironmentChoice, IsTheFirstByDefault) {
  const ScopedEnvironment variable(kName, std::nullopt);
  EXPECT_EQ(choice(), "some");
}

TEST(EnvironmentChoice, IsOneOfTheChoices) {
  for (const char* value : {"some", "all", "none"}) {
    const ScopedEnvironment variable(kName, value);
    EXPECT_EQ(choice(), value);
  }
}

TEST(EnvironmentChoice, IsAnErrorForAnythingElse) {
  for (const char* value : {"", " ", "al", "alll", "All", "all ", "some, all"}) {
    if (*value == '\0' && !canSetToNothing()) continue;
    const ScopedEnvironment variable(kName, value);
    EXPECT_THAT([] { choice(); },
                ThrowsMessage<PortSpecificationError>(
                    AllOf(StartsWith(std::string(kName) + ": \"" + value + "\" is not one of "),
                          HasSubstr("some, all, none"), HasSubstr("unset the variable"))));
  }
}

}  // namespace
}  // namespace portpool::test
