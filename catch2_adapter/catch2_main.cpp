#if __has_include(<catch2/catch_session.hpp>)  // Catch2 3
#include <catch2/catch_session.hpp>
#else  // Catch2 2.13
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include <portpool/isolation.hpp>

int main(int argc, char* argv[]) {
  if (!portpool::isolateIfRequested()) return 1;
  return Catch::Session().run(argc, argv);
}
