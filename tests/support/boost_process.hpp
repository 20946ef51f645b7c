#pragma once

// The first version of Boost.Process, wherever this Boost has it: since 1.88 its former headers and
// its former namespace are those of the second version.

#if __has_include(<boost/process/v1.hpp>)
#include <boost/process/v1.hpp>         // IWYU pragma: export
#include <boost/process/v1/extend.hpp>  // IWYU pragma: export
namespace bp = boost::process::v1;
#else
#include <boost/process.hpp>         // IWYU pragma: export
#include <boost/process/extend.hpp>  // IWYU pragma: export
namespace bp = boost::process;
#endif
