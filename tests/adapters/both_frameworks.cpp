#include "both_frameworks.hpp"

Run runGTest(const std::string& filter, const Variables& variables, Arguments more) {
  more.push_back("--gtest_filter=" + filter);
  return runSubject(GTEST_SUBJECT, more, variables);
}

Run runCatch2(const std::string& testCases, const Variables& variables) {
  return runSubject(CATCH2_SUBJECT, {testCases, "-r", "compact"}, variables);
}

const Framework kGTest{"GTest",
                       [](const Scenario& scenario, const Variables& variables) {
                         return runGTest(scenario.gtest, variables);
                       },
                       [](const Scenario& scenario) { return scenario.phase; }};
const Framework kCatch2{"Catch2",
                        [](const Scenario& scenario, const Variables& variables) {
                          return runCatch2(scenario.catch2, variables);
                        },
                        [](const Scenario& scenario) { return scenario.catch2Phase; }};
