#include "trial.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <sstream>
#include <system_error>

namespace portpool::cli {

StderrCapture::StderrCapture()
    : file_(::memfd_create("stderr", MFD_CLOEXEC)),
      before_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) {
  if (file_ >= 0 && before_ >= 0 && ::dup2(file_, STDERR_FILENO) >= 0) return;
  const int error = errno;
  ::close(file_);
  ::close(before_);
  throw std::system_error(error, std::generic_category(), "stderr");
}

StderrCapture::~StderrCapture() {
  ::dup2(before_, STDERR_FILENO);
  ::close(before_);
  ::close(file_);
}

std::vector<std::string> StderrCapture::lines() const {
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    const auto count = ::pread(file_, piece.data(), piece.size(), static_cast<off_t>(text.size()));
    if (count <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TrialResult tryInChild(const std::function<void()>& function) {
  const StderrCapture capture;
  const auto child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) {
    try {
      function();
      ::_exit(0);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      ::_exit(kFailure);
    }
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  auto lines = capture.lines();
  for (auto& line : lines) {
    constexpr std::string_view kMark = "portpool: ";
    if (line.rfind(kMark, 0) == 0) line.erase(0, kMark.size());
  }
  return {status == 0, std::move(lines)};
}

}  // namespace portpool::cli
