#pragma once

// The kinds of registries, and the fixture of their tests.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "platform/lease.hpp"
#include "platform/process.hpp"
#include "surroundings.hpp"

namespace portpool::test {

struct RegistryKind {
  const char* name;
  /// One that needs a file is given its path.
  std::unique_ptr<platform::LeaseRegistry> (*make)(const std::string& file);
};

/// The registries of this system, and others that can be tried on it: registry_kinds_<system>.cpp.
std::vector<RegistryKind> registryKinds();

class Registry : public ::testing::TestWithParam<RegistryKind> {
 protected:
  std::unique_ptr<platform::LeaseRegistry> make() const {
    return GetParam().make(folder.path("lock"));
  }

  // Above the keys of ports and of waiting lines, and no other process's.
  const std::uint64_t key =
      (std::uint64_t{1} << 30) + 65536 + static_cast<std::uint64_t>(platform::pid()) * 128;
  const ScopedFolder folder;
};

}  // namespace portpool::test
