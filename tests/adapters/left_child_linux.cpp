// A file of its own: Boost's Asio, which Boost.Process includes, and Asio proper exclude each
// other.

#include "promises.hpp"
#include "subject.hpp"
#include "support/boost_process.hpp"

#include <list>
#include <stdexcept>
#include <system_error>

void leaveChild(const std::string& mode, std::uint16_t port) {
  struct Holder {
    Holder(const std::string& how, std::uint16_t number)
        : process(HOLDER, bp::args({how, std::to_string(number)}),
                  bp::std_in<input, bp::std_out> output) {
      std::string ready;
      if (!std::getline(output, ready)) throw std::runtime_error("the holder has no port");
    }
    ~Holder() {
      input.pipe().close();
      std::error_code ended;
      process.wait(ended);
    }
    bp::opstream input;
    bp::ipstream output;
    bp::child process;
  };
  static std::list<Holder> holders;
  holders.emplace_back(mode, port);
  note("left to pid " + std::to_string(holders.back().process.id()), port);
}
