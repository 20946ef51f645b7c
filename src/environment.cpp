#include "environment.hpp"

#include "platform/environment.hpp"
#include "platform/process.hpp"

#include <portpool/errors.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <iterator>
#include <string_view>

namespace portpool {
namespace {

/// Every variable called PORTPOOL_... that portpool reads.
constexpr std::string_view kVariables[] = {
    "PORTPOOL_PORTS",   "PORTPOOL_PORTS_FILE",  "PORTPOOL_WAIT_SECONDS", "PORTPOOL_HOLD",
    "PORTPOOL_ISOLATE", "PORTPOOL_LEAKS",       "PORTPOOL_SEED",         "PORTPOOL_VERBOSE",
    "PORTPOOL_AUDIT",   "PORTPOOL_CURRENT_TEST"};

void warnOfUnknownVariables() {
  for (const auto& name : platform::environmentNames("PORTPOOL_")) {
    if (std::find(std::begin(kVariables), std::end(kVariables), name) != std::end(kVariables)) {
      continue;
    }
    std::string known;
    for (const auto variable : kVariables) known.append(known.empty() ? "" : ", ").append(variable);
    warn("the environment variable " + name +
         " is set, but portpool does not know it; unset it, or rename it to one of " + known);
  }
}

}  // namespace

std::optional<std::uint64_t> environmentNumber(const char* name, std::uint64_t largest) {
  const auto text = platform::variable(name);
  if (!text) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || rest != end || number > largest) {
    throw PortSpecificationError(std::string(name) + ": \"" + *text +
                                 "\" is not a whole number from 0 to " + std::to_string(largest) +
                                 "; give one, or unset the variable");
  }
  return number;
}

std::string environmentChoice(const char* name, std::initializer_list<const char*> choices) {
  auto text = platform::variable(name).value_or(*choices.begin());
  std::string known;
  for (const auto* choice : choices) {
    if (text == choice) return text;
    known += (known.empty() ? "" : ", ") + std::string(choice);
  }
  throw PortSpecificationError(std::string(name) + ": \"" + text + "\" is not one of " + known +
                               "; set one of these, or unset the variable");
}

void checkEnvironment() {
  static std::atomic<bool> isWarned{false};
  if (!isWarned.exchange(true)) warnOfUnknownVariables();
  requireIsolationIfRequested();
}

void announceTest(const std::string& name) {
  static const bool isAudited = std::getenv("PORTPOOL_AUDIT") != nullptr;
  if (!isAudited) return;
  // putenv does not copy: threads that read the environment meanwhile may see another text, but
  // never freed memory. It is not freed even if this library is unloaded.
  constexpr std::string_view kBegin = "PORTPOOL_CURRENT_TEST=";
  static auto& variable = *new std::array<char, 256>{};
  const auto length = std::min(name.size(), variable.size() - kBegin.size() - 1);
  auto* end = std::copy(kBegin.begin(), kBegin.end(), variable.begin());
  end = std::copy_n(name.begin(), length, end);
  *end = '\0';
  platform::putVariable(variable.data());
}

void log(const std::string& message) { platform::writeToStderr("portpool: " + message + '\n'); }

void warn(const std::string& message) { log("warning: " + message); }

}  // namespace portpool
