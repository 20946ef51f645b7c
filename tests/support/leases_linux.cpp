#include "support/leases.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace {

std::set<std::string> socketInodesOfThisProcess() {
  const std::string kPrefix = "socket:[";
  std::set<std::string> inodes;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code closedMeanwhile;
    const auto target = std::filesystem::read_symlink(entry.path(), closedMeanwhile).string();
    if (target.compare(0, kPrefix.size(), kPrefix) == 0) {
      inodes.insert(target.substr(kPrefix.size(), target.size() - kPrefix.size() - 1));
    }
  }
  return inodes;
}

}  // namespace

std::set<std::uint16_t> leasesOfThisProcess() {
  const std::string kPrefix = "@portpool/";
  const auto own = socketInodesOfThisProcess();
  std::set<std::uint16_t> ports;
  std::ifstream file("/proc/net/unix");
  std::string line;
  while (std::getline(file, line)) {
    // address: references protocol flags type state inode name
    std::istringstream words(line);
    std::string address, references, protocol, flags, type, state, inode, name;
    words >> address >> references >> protocol >> flags >> type >> state >> inode >> name;
    if (name.compare(0, kPrefix.size(), kPrefix) != 0 || own.count(inode) == 0) continue;
    std::istringstream key(name.substr(kPrefix.size()));
    if (std::uint16_t port = 0; key >> port) ports.insert(port);
  }
  return ports;
}
