#pragma once

#include <string>

/// The path of a new file, which the destructor removes if it exists.
class TemporaryFile {
 public:
  TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();

  const std::string& path() const { return path_; }

  /// What the file holds. Throws std::runtime_error if it cannot be read.
  std::string text() const;

 private:
  std::string path_;
};
