#pragma once

namespace portpool::audit {

/// The file that this process runs, and its command line, as they were when it began.
const char* program();
const char* command();

/// The path of the log, or "" if there is none.
const char* logPath();

/// The test that runs, as far as the environment tells it, or "".
const char* currentTest();

}  // namespace portpool::audit
