#pragma once

#include <portpool/catch2.hpp>

// TEMPLATE_TEST_CASE_SIG has a header of its own in Catch2 3.
#if __has_include(<catch2/catch_template_test_macros.hpp>)
#include <catch2/catch_template_test_macros.hpp>
#endif
