#include "promises.hpp"
#include "subject.hpp"
#include "windows/started_program.hpp"

#include <list>

void leaveChild(const std::string& mode, std::uint16_t port) {
  using portpool::test::StartedProgram;
  static std::list<StartedProgram> holders;
  const auto& holder = holders.emplace_back(HOLDER, std::vector{mode, std::to_string(port)});
  holder.receive();
  note("left to pid " + std::to_string(holder.pid()), port);
}
