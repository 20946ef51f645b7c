#pragma once

// The fixture of the tests of registries.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

#include "platform/process.hpp"
#include "surroundings.hpp"

namespace portpool::test {

class Registry : public ::testing::TestWithParam<RegistryKind> {
 protected:
  void SetUp() override {
    if (!make()) GTEST_SKIP() << "the system refuses " << GetParam().name;
  }

  std::unique_ptr<platform::LeaseRegistry> make() const {
    return GetParam().make(folder.path("lock"));
  }

  // Above the keys of ports and of waiting lines, and no other process's.
  const std::uint64_t key =
      (std::uint64_t{1} << 30) + 65536 + static_cast<std::uint64_t>(platform::pid()) * 128;
  const ScopedFolder folder;
};

}  // namespace portpool::test
