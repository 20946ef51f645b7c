#include "pipe.hpp"

#include <system_error>

namespace portpool::test {

void throwLastError(const char* call) {
  throw std::system_error(static_cast<int>(::GetLastError()), std::system_category(), call);
}

Pipe openPipe(Inherited end) {
  SECURITY_ATTRIBUTES inheritable{sizeof inheritable, nullptr, TRUE};
  HANDLE readEnd = nullptr;
  HANDLE writeEnd = nullptr;
  if (::CreatePipe(&readEnd, &writeEnd, &inheritable, 0) == 0) throwLastError("CreatePipe");
  Pipe pipe{platform::Handle(readEnd), platform::Handle(writeEnd)};
  const auto own = end == Inherited::ReadEnd ? writeEnd : readEnd;
  if (::SetHandleInformation(own, HANDLE_FLAG_INHERIT, 0) == 0) {
    throwLastError("SetHandleInformation");
  }
  return pipe;
}

}  // namespace portpool::test
