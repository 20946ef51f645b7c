#include "support/temporary_file.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <system_error>

TemporaryFile::TemporaryFile() {
  std::random_device random;
  const auto name = "portpool-test-" + std::to_string(random()) + '-' + std::to_string(random());
  path_ = (std::filesystem::temp_directory_path() / name).string();
  if (!std::ofstream(path_)) throw std::runtime_error("cannot make the file " + path_);
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
