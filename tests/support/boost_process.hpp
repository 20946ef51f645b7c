#pragma once

// The first version of Boost.Process, wherever this Boost has it: since 1.88 its former headers and
// its former namespace are those of the second version.

#if __has_include(<boost/process/v1/child.hpp>)
#include <boost/process/v1/args.hpp>    // IWYU pragma: export
#include <boost/process/v1/async.hpp>   // IWYU pragma: export
#include <boost/process/v1/child.hpp>   // IWYU pragma: export
#include <boost/process/v1/exe.hpp>     // IWYU pragma: export
#include <boost/process/v1/extend.hpp>  // IWYU pragma: export
#include <boost/process/v1/io.hpp>      // IWYU pragma: export
#include <boost/process/v1/pipe.hpp>    // IWYU pragma: export
namespace bp = boost::process::v1;
#else
#include <boost/process.hpp>         // IWYU pragma: export
#include <boost/process/extend.hpp>  // IWYU pragma: export
namespace bp = boost::process;
#endif
