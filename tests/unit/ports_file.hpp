#pragma once

#include <gmock/gmock.h>

#include <string>

#include <portpool/errors.hpp>
#include <portpool/server_ports.hpp>

#include "surroundings.hpp"

namespace portpool::test {

/// Expects an error for the file at the path in a variable that names the ports.
inline void expectFileError(const std::string& path, const std::string& complaint) {
  for (const char* name : {"PORTPOOL_PORTS_FILE", "PYSYS_PORTS_FILE"}) {
    const ScopedEnvironment variable(name, path);
    EXPECT_THAT([] { getServerTCPPorts(); },
                ::testing::ThrowsMessage<PortSpecificationError>(::testing::AllOf(
                    ::testing::HasSubstr(std::string(name) + "=\"" + path + "\": " + complaint),
                    ::testing::HasSubstr("name a text file of ports"),
                    ::testing::HasSubstr("20000-20999"))));
  }
}

}  // namespace portpool::test
