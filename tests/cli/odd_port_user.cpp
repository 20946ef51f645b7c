// Uses ports in ways that few programs do: odd_port_user WAY PORT|PROGRAM|COMMAND

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <thread>

namespace {

std::string argument;

using Call = int (*)(int, const sockaddr*, socklen_t);

int use(Call call, int socket, in_addr_t host = INADDR_LOOPBACK) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(argument)));
  address.sin_addr.s_addr = htonl(host);
  return call(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
}

int open() { return ::socket(AF_INET, SOCK_DGRAM, 0); }

int becomeTrue() {
  const auto child = ::fork();
  if (child == 0) {
    ::execlp("true", "true", nullptr);
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

/// Runs the handler on a stack as small as programs used to take them, with nothing beyond.
int onSmallStack(void (*handler)(int)) {
  constexpr std::size_t kStack = 8192, kGuard = 4096;
  auto* memory = static_cast<char*>(
      ::mmap(nullptr, kGuard + kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ::mprotect(memory, kGuard, PROT_NONE);
  stack_t stack{};
  stack.ss_sp = memory + kGuard;
  stack.ss_size = kStack;
  if (::sigaltstack(&stack, nullptr) != 0) return 77;  // of this machine's registers
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_ONSTACK;
  ::sigaction(SIGUSR1, &action, nullptr);
  return std::raise(SIGUSR1);
}

/// Connects as long as another thread changes the environment.
int withChangingEnvironment() {
  std::atomic<bool> isOver{false};
  std::thread changing([&] {
    for (int i = 0; i < 20000; ++i) ::setenv(("V" + std::to_string(i)).c_str(), "x", 1);
    isOver = true;
  });
  while (!isOver) {
    const int socket = open();
    static_cast<void>(use(::connect, socket));
    ::close(socket);
  }
  changing.join();
  return 0;
}

/// Binds in children that are forked while another thread has locks of the loader's.
int inForkedChildren() {
  std::atomic<bool> isOver{false};
  std::thread loading([&] {
    const auto next = [](dl_phdr_info*, std::size_t, void*) { return 0; };
    while (!isOver) ::dl_iterate_phdr(next, nullptr);
  });
  int failed = 0;
  for (int i = 0; i < 500; ++i) {
    const auto child = ::fork();
    if (child == 0) ::_exit(use(::bind, open()) == 0 ? 0 : 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (status != 0) ++failed;
  }
  isOver = true;
  loading.join();
  return failed;
}

/// Calls of which the audit has more lines than a process maps for good.
int connectToMany() {
  const int socket = open();
  for (in_addr_t i = 0; i < 2000; ++i) {
    if (use(::connect, socket, INADDR_LOOPBACK + i) != 0) return 1;
  }
  return 0;
}

const std::map<std::string, std::function<int()>> kWays{
    {"forked-children", inForkedChildren},
    {"plugin", [] { return ::dlopen(argument.c_str(), RTLD_NOW) == nullptr ? 1 : 0; }},
    {"small-stack-connect",
     [] { return onSmallStack([](int) { ::_exit(use(::connect, open()) == 0 ? 0 : 1); }); }},
    {"small-stack-exec", [] { return onSmallStack([](int) { ::_exit(becomeTrue()); }); }},
    {"changing-environment", withChangingEnvironment},
    {"no-descriptor",
     [] {
       const rlimit few{64, 64};
       ::setrlimit(RLIMIT_NOFILE, &few);
       const int socket = open();
       while (::dup(socket) >= 0) {
       }
       return use(::bind, socket);
     }},
    {"no-file-size",
     [] {
       const rlimit none{0, 0};
       ::setrlimit(RLIMIT_FSIZE, &none);
       return use(::bind, open());
     }},
    {"clearenv-system",
     [] {
       ::clearenv();
       return std::system(argument.c_str());
     }},
    {"clearenv-popen",
     [] {
       ::clearenv();
       return ::pclose(::popen(argument.c_str(), "w"));
     }},
    {"execveat",
     [] {
       char* const words[] = {argument.data(), nullptr};
       return ::execveat(AT_FDCWD, words[0], words, environ, 0);
     }},
    {"exec-as-another-group",
     [] {
       constexpr gid_t kOther = 1;
       if (::setegid(kOther) != 0) return 77;
       return ::execl(argument.c_str(), argument.c_str(), nullptr);
     }},
    {"spawn-elsewhere",
     [] {
       const std::filesystem::path program = argument;
       auto name = "./" + program.filename().string();
       posix_spawn_file_actions_t actions;
       ::posix_spawn_file_actions_init(&actions);
       // Older C libraries have no such function.
       const auto add = reinterpret_cast<int (*)(posix_spawn_file_actions_t*, const char*)>(
           ::dlsym(RTLD_DEFAULT, "posix_spawn_file_actions_addchdir_np"));
       if (add == nullptr || add(&actions, program.parent_path().c_str()) != 0) return 77;
       char* const words[] = {name.data(), nullptr};
       pid_t child = 0;
       const int failure = ::posix_spawn(&child, words[0], &actions, nullptr, words, environ);
       ::posix_spawn_file_actions_destroy(&actions);
       if (failure != 0) return 1;
       int status = 0;
       ::waitpid(child, &status, 0);
       return status;
     }},
    {"exec-without-memory",
     [] {
       char* const words[] = {argument.data(), nullptr};
       auto* unmapped = ::mmap(nullptr, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       const auto isRefused = [&](char* const* environment) {
         return ::execve(words[0], words, environment) == -1 && errno == EFAULT;
       };
       // NOLINTNEXTLINE(performance-no-int-to-ptr): nothing is there
       for (auto* bad : {static_cast<char*>(unmapped), reinterpret_cast<char*>(1)}) {
         char* const variables[] = {bad, nullptr};
         if (!isRefused(variables) || !isRefused(reinterpret_cast<char**>(bad))) return 1;
       }
       return 0;
     }},
    {"many-lines", connectToMany},
    {"many-lines-without-the-log",
     [] {
       const std::filesystem::path log = std::getenv("PORTPOOL_AUDIT");
       const auto folder = log.parent_path();
       const auto away = folder.string() + ".away";
       std::filesystem::rename(folder, away);
       const int status = connectToMany();
       std::filesystem::rename(away, folder);
       return status;
     }},
    {"reserved",
     [] {
       const int server = ::socket(AF_INET, SOCK_STREAM, 0);
       if (::bindresvport(server, nullptr) != 0) return 77;  // only root has such ports
       sockaddr_in address{};
       socklen_t size = sizeof address;
       auto* const raw = reinterpret_cast<sockaddr*>(&address);
       if (::getsockname(server, raw, &size) != 0 || ::listen(server, 1) != 0) return 1;
       address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
       return ::connect(::socket(AF_INET, SOCK_STREAM, 0), raw, size);
     }},
    {"many-addresses",
     [] {
       for (int i = 0; i < 100; ++i) {
         for (const in_addr_t host : {INADDR_LOOPBACK, INADDR_LOOPBACK + 1}) {
           static_cast<void>(use(::connect, open(), host));
         }
       }
       return 0;
     }},
};

}  // namespace

int main(int, char** arguments) {
  if (arguments[2] != nullptr) argument = arguments[2];
  return kWays.at(arguments[1])();
}
