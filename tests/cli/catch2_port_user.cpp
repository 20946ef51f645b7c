// A Catch2 program without portpool, which binds the port that the variable TAKEN names.

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdlib>
#include <string>

TEST_CASE("takes a port, by number") {
  const char* taken = std::getenv("TAKEN");
  REQUIRE(taken != nullptr);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(taken)));
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  CHECK(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}
