#include "subject.hpp"

#include "support/leases.hpp"

#include <iostream>
#include <sstream>
#include <utility>

namespace {

void write(const std::string& label, std::uint16_t port) {
  std::ostringstream line;
  line << "event|" << label << '|' << port << '|';
  for (const auto leased : leasesOfThisProcess()) line << ' ' << leased;
  line << '\n';
  std::cerr << line.str() << std::flush;
}

struct AtExit {
  ~AtExit() { write("exit", 0); }
};

}  // namespace

void note(const std::string& label, std::uint16_t port) {
  // Made after the framework's static objects, so ended before they are: what the framework still
  // owns then has been left over.
  static const AtExit atExit;
  write(label, port);
}

Bracket::Bracket(std::string label) : label_(std::move(label)) { note(label_ + " begins"); }
Bracket::~Bracket() { note(label_ + " ends"); }

NotedServer::NotedServer(std::uint16_t port) : port_(port), server_(port) {
  note("server starts", port_);
}
NotedServer::~NotedServer() { note("server ends", port_); }
