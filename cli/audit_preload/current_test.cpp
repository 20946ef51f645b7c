#include "current_test.hpp"

#include "log.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace portpool::audit {
namespace {

/// A variable that names the running test. A thread that reads it while another changes it sees a
/// mixture.
struct Variable {
  const char* name;
  std::atomic<char> value[CurrentTest::kSize];  // the last is always NUL
};
Variable variables[] = {{kTestVariable, {}}, {"PYTEST_CURRENT_TEST", {}}};

Variable* find(const char* name, std::size_t size) {
  for (auto& variable : variables) {
    if (std::strlen(variable.name) == size && std::memcmp(name, variable.name, size) == 0) {
      return &variable;
    }
  }
  return nullptr;
}

void set(Variable& variable, const char* value) {
  for (std::size_t i = 0; i + 1 < CurrentTest::kSize; ++i) {
    variable.value[i].store(value[i], std::memory_order_relaxed);
    if (value[i] == '\0') return;
  }
}

}  // namespace

CurrentTest::CurrentTest() {
  for (const auto& variable : variables) {
    for (std::size_t i = 0; i < kSize; ++i) {
      text_[i] = variable.value[i].load(std::memory_order_relaxed);
      if (text_[i] == '\0') break;
    }
    if (text_[0] != '\0') return;
  }
}

void readCurrentTest() {
  for (auto& variable : variables) {
    const char* value = std::getenv(variable.name);
    set(variable, value == nullptr ? "" : value);
  }
}

void learnVariable(const char* name, std::size_t size, const char* value) {
  auto* variable = find(name, size);
  if (variable != nullptr) set(*variable, value == nullptr ? "" : value);
}

void forgetVariables() {
  for (auto& variable : variables) set(variable, "");
}

bool isSet(const char* name, std::size_t size) {
  const auto* variable = find(name, size);
  return variable != nullptr && variable->value[0].load(std::memory_order_relaxed) != '\0';
}

}  // namespace portpool::audit
