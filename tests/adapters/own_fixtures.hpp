#pragma once

// Fixtures and tested code of a user, alike in both frameworks. `Framework` is the framework's
// class of fixtures.

#include <map>
#include <string>
#include <utility>
#include <vector>

/// Has members whose names are also names in portpool.
template <class Framework>
class OwnNames : public Framework {
 protected:
  enum class State { Stopped, Running };

  State state = State::Running;
  int end = 3;
  std::vector<int> ports{1, 2};
  std::map<std::string, std::string> properties{{"owner", "user"}};
  std::string name_ = "user's";
};

/// Can only be constructed with arguments.
template <class Framework>
class OwnArguments : public Framework {
 protected:
  OwnArguments(std::string name, int count) : name_(std::move(name)), count_(count) {}

  std::string name_;
  int count_;
};

/// A tested namespace with such names, which a source file of tests uses.
namespace tested {

enum class State { Stopped, Running };

struct Device {
  State state = State::Running;
  std::vector<int> registers{3, 1, 2};
};

inline std::vector<std::string> properties(const Device& /*device*/) { return {"fast"}; }
inline std::vector<int> ports(const Device& device) { return device.registers; }
inline auto begin(Device& device) { return device.registers.begin(); }
inline auto end(Device& device) { return device.registers.end(); }
inline auto size(const Device& device) { return device.registers.size(); }
inline auto data(const Device& device) { return device.registers.data(); }

}  // namespace tested
