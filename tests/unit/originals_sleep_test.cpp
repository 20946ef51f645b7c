// That a busy candidate costs no sleep, unlike in PySys.

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstddef>
#include <vector>

#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

/// In a forked child: from now on the kernel ends this process when it sleeps.
void forbidSleep() {
  std::vector<sock_filter> filter{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const int call : {
           SYS_nanosleep,
           SYS_clock_nanosleep,
           SYS_ppoll,
           SYS_pselect6,
#ifdef SYS_poll
           SYS_poll,
           SYS_select,
#endif
       }) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  }
  // A futex, which a condition variable is, may be woken but not waited for.
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 5));
  filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])));
  filter.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, static_cast<unsigned>(FUTEX_CMD_MASK)));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAIT, 1, 0));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAIT_BITSET, 0, 1));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    throw Refused("the kernel refuses a system call filter");
  }
}

TEST(Originals, BusyCandidatesCostNoSleep) {
  checkInChild([] {
    PortPool pool(freshPorts(200), impatient());
    const auto order = portsInTurn(pool);
    ASSERT_EQ(order.size(), 200U);
    std::vector<platform::Socket> listeners;
    for (std::size_t i = 0; i < 199; ++i) listeners.push_back(listenOn(order[i]));
    forbidSleep();
    EXPECT_EQ(pool.allocate().port(), order[199]);
  });
}

TEST(Originals, TheCheckForSleepSeesOne) {
  PortPool pool(freshPorts(1));
  const auto owner = pool.allocate();
  ForkedChild waiter([&] {
    forbidSleep();
    pool.allocate();
  });
  EXPECT_FALSE(waiter.succeeds());
}

}  // namespace
}  // namespace portpool::test
