#pragma once

// What both frameworks' subjects have, under their names there.

#include "transcript.hpp"

#include <gtest/gtest.h>

#include <string>

Run runGTest(const std::string& filter, const Variables& variables = {}, Arguments more = {});
Run runCatch2(const std::string& testCases, const Variables& variables = {});

/// A scenario that both have.
struct Scenario {
  std::string name;
  std::string gtest;
  std::string catch2;
  std::string phase;        ///< of GoogleTest, as messages call it
  std::string catch2Phase;  ///< of Catch2
};

struct Framework {
  std::string name;
  Run (*run)(const Scenario& scenario, const Variables& variables);
  std::string (*phaseOf)(const Scenario& scenario);
};

extern const Framework kGTest;
extern const Framework kCatch2;

class InBoth : public ::testing::TestWithParam<Framework> {
 protected:
  static ::Run run(const Scenario& scenario, const Variables& variables = {}) {
    return GetParam().run(scenario, variables);
  }
};
