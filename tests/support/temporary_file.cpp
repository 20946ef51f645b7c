#include "support/temporary_file.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

TemporaryFile::TemporaryFile()
    : path_((std::filesystem::temp_directory_path() / "portpool-test-XXXXXX").string()) {
  const int descriptor = ::mkstemp(path_.data());
  if (descriptor < 0) throw std::runtime_error("cannot make a file like " + path_);
  ::close(descriptor);
}

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

std::string TemporaryFile::text() const {
  std::ifstream file(path_, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path_);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
