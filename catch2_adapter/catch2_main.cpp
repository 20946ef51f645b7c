#include <portpool/catch2.hpp>

#ifdef TWOBLUECUBES_SINGLE_INCLUDE_CATCH_HPP_INCLUDED  // Catch2 2.13: now its implementation
#undef TWOBLUECUBES_SINGLE_INCLUDE_CATCH_HPP_INCLUDED
#define CATCH_CONFIG_IMPL_ONLY
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#elif __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#endif

int main(int argc, char* argv[]) {
  Catch::Session session;
  const int fault = session.applyCommandLine(argc, argv);
  if (fault != 0) return fault;
  const auto& config = session.configData();
#ifdef TWOBLUECUBES_SINGLE_INCLUDE_CATCH_HPP_INCLUDED
  const bool listsMore = config.listTestNamesOnly;
#else
  const bool listsMore = config.listListeners;
#endif
  const bool lists = config.listTests || config.listTags || config.listReporters || listsMore;
  if (!lists && !portpool::isolateIfRequested()) return 1;
  return session.run();
}
