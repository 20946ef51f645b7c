#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

using Arguments = std::vector<std::string>;
using Variables = std::map<std::string, std::string>;

// Of the subjects.
#if __has_include(<catch2/catch_all.hpp>)
inline constexpr bool kIsCatch2Version3 = true;
#else
inline constexpr bool kIsCatch2Version3 = false;
#endif

/// A case of a parameterised test.
struct Options {
  std::string name;
  Arguments arguments;
};

bool contains(const std::string& text, const std::string& part);

/// With which there is no pool, and what is said of it.
inline const Variables kBadPorts{{"PORTPOOL_PORTS", "20000-x"}};
inline constexpr const char* kBadPortsMessage =
    "PORTPOOL_PORTS: \"20000-x\" is neither a port nor a range of ports";

std::size_t countOf(const std::string& text, const std::string& part);

/// One thing that a subject or, with PORTPOOL_VERBOSE, portpool said on stderr.
struct Event {
  std::string label;             ///< the subject's, or "handed out" or "returned"
  std::uint16_t port;            ///< 0 if it is about none
  std::set<std::uint16_t> held;  ///< the leases of the subject at that moment; none from portpool
};

/// What became of one run of a subject.
struct Run {
  int exitCode;
  std::string output;
  std::string errors;
  std::vector<Event> events;

  /// The events of this label, in order.
  std::vector<Event> all(const std::string& label) const;
  std::size_t count(const std::string& label) const { return all(label).size(); }

  /// The ports of the events of this label, in order.
  std::vector<std::uint16_t> ports(const std::string& label) const;
};

/// Runs a subject, with PORTPOOL_VERBOSE. GoogleTest's word for a skipped test is put in small
/// letters in its output: who prints the original is itself a skipped test to ctest.
Run runSubject(const std::string& program, const Arguments& arguments, Variables variables = {});

/// Expects what holds for every run in which something was noted: each port that was handed out
/// was returned, and not before the server on it had ended; when the program ends it holds no
/// lease.
void expectEveryPortReturnedAfterItsServer(const Run& run);

/// Expects that the port of each event of this label is leased by the subject, and there is one.
void expectLeasedAt(const std::string& label, const Run& run);

/// Expects that there is an event of this label, and that no lease is held at any.
void expectNothingHeldAt(const std::string& label, const Run& run);

/// Ports for a subject's PORTPOOL_PORTS. Others may take one in the meantime, and return it soon.
std::string somePorts(int count);
