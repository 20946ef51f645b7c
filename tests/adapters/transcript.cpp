#include "transcript.hpp"

#include "support/process.hpp"

#include <gtest/gtest.h>

#include <portpool/adapter.hpp>
#include <portpool/portpool.hpp>
#include <regex>
#include <sstream>

namespace {

std::vector<Event> eventsIn(const std::string& text) {
  static const std::regex subjects(R"(event\|([^|]*)\|(\d+)\|([ \d]*))");
  static const std::regex portpools(R"(portpool: port (\d+)(?: ".*")? (handed out|returned))");
  const auto toPort = [](const std::string& number) {
    return static_cast<std::uint16_t>(std::stoul(number));
  };
  std::vector<Event> events;
  std::istringstream lines(text);
  std::string line;
  std::smatch part;
  while (std::getline(lines, line)) {
    if (std::regex_match(line, part, subjects)) {
      Event event{part[1], toPort(part[2]), {}};
      std::istringstream held(part[3]);
      for (std::uint16_t port = 0; held >> port;) event.held.insert(port);
      events.push_back(event);
    } else if (std::regex_match(line, part, portpools)) {
      events.push_back({part[2], toPort(part[1]), {}});
    }
  }
  return events;
}

}  // namespace

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::size_t countOf(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

std::vector<Event> Run::all(const std::string& label) const {
  std::vector<Event> found;
  for (const auto& event : events) {
    if (event.label == label) found.push_back(event);
  }
  return found;
}

std::vector<std::uint16_t> Run::ports(const std::string& label) const {
  std::vector<std::uint16_t> ports;
  for (const auto& event : all(label)) ports.push_back(event.port);
  return ports;
}

Run runSubject(const std::string& program, const Arguments& arguments, Variables variables) {
  static const std::regex skipped(R"(\[  SKIPPED \])");
  variables.emplace("PORTPOOL_VERBOSE", "1");
  const auto result = runProcess(program, arguments, variables);
  return {result.exitCode, std::regex_replace(result.output, skipped, "[ skipped ]"), result.errors,
          eventsIn(result.errors)};
}

void expectEveryPortReturnedAfterItsServer(const Run& run) {
  std::set<std::uint16_t> out;
  std::set<std::uint16_t> serving;
  for (const auto& event : run.events) {
    if (event.label == "handed out") {
      EXPECT_TRUE(out.insert(event.port).second) << event.port << " handed out twice";
    } else if (event.label == "server starts") {
      EXPECT_EQ(event.held.count(event.port), 1U) << event.port << " served without a lease";
      serving.insert(event.port);
    } else if (event.label == "server ends") {
      EXPECT_EQ(event.held.count(event.port), 1U) << event.port << " lost its lease too early";
      serving.erase(event.port);
    } else if (event.label == "returned") {
      EXPECT_EQ(serving.count(event.port), 0U) << event.port << " returned too early";
      out.erase(event.port);
    } else if (event.label == "exit") {
      EXPECT_TRUE(out.empty()) << *out.begin() << " not returned";
      EXPECT_TRUE(event.held.empty()) << *event.held.begin() << " still leased";
    }
  }
  EXPECT_EQ(run.count("exit"), 1U);
  if (::testing::Test::HasFailure()) ADD_FAILURE() << run.output << run.errors;
}

void expectLeasedAt(const std::string& label, const Run& run) {
  EXPECT_NE(run.count(label), 0U) << label << run.output << run.errors;
  for (const auto& event : run.all(label)) {
    EXPECT_EQ(event.held.count(event.port), 1U) << label << ": " << event.port << " not leased";
  }
}

void expectNothingHeldAt(const std::string& label, const Run& run) {
  EXPECT_NE(run.count(label), 0U) << label << run.output << run.errors;
  for (const auto& event : run.all(label)) {
    EXPECT_TRUE(event.held.empty()) << label << ": " << *event.held.begin() << " still leased";
  }
}

std::string somePorts(int count) {
  portpool::PortSet ports;
  const portpool::PortScope scope;
  while (count-- > 0) ports.insert(portpool::getNextAvailableTCPPort());
  return ports.toString();
}
