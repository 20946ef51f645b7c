#include <filesystem>

#include "support/network.hpp"

std::string network() {
  const auto name = std::filesystem::read_symlink("/proc/self/ns/net").string();  // net:[<number>]
  return name.substr(5, name.size() - 6);
}
