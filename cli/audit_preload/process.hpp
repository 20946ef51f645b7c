#pragma once

namespace portpool::audit {

/// The file that this process runs, and its command line, as they were when it began.
const char* program();
const char* command();

/// The path of the log, or "" if there is none.
const char* logPath();

/// The running test, if the environment names it, or "".
const char* currentTest();

}  // namespace portpool::audit
