#include "environment.hpp"

#include <portpool/errors.hpp>

#include <charconv>
#include <cstdlib>
#include <iostream>

namespace portpool {

std::optional<std::string> environmentVariable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> environmentNumber(const char* name, std::uint64_t largest) {
  const auto text = environmentVariable(name);
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
  auto text = environmentVariable(name).value_or(*choices.begin());
  std::string known;
  for (const auto* choice : choices) {
    if (text == choice) return text;
    known += (known.empty() ? "" : ", ") + std::string(choice);
  }
  throw PortSpecificationError(std::string(name) + ": \"" + text + "\" is none of " + known +
                               "; set one of these, or unset the variable");
}

void say(const std::string& message) { std::cerr << "portpool: " + message + '\n' << std::flush; }

void warn(const std::string& message) { say("warning: " + message); }

}  // namespace portpool
