#include "chaos/live/throttle.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>

namespace everwrite::chaos {
namespace {

double CpuSeconds(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string word;
  for (int i = 0; i < 13; ++i) stat >> word;
  double user = 0, system = 0;
  stat >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

class Child {
 public:
  template <typename Act>
  explicit Child(Act act) : pid_(::fork()) {
    if (pid_ == 0) {
      act();
      ::_exit(0);
    }
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  const pid_t pid_;
};

TEST(CpuShare, ABusyProcessRunsAFifthOfTheTimeAndThenAgainAllOfIt) {
  const Child child([] {
    volatile uint64_t i = 0;
    for (;;) {
      i = i + 1;
    }
  });
  double spent = 0, took = 0;
  {
    const CpuShare share([&] { return child.pid(); }, 20);
    const auto begin = std::chrono::steady_clock::now();
    const double before = CpuSeconds(child.pid());
    std::this_thread::sleep_for(std::chrono::seconds(1));
    spent = CpuSeconds(child.pid()) - before;
    took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  EXPECT_LT(spent / took, 0.45);
  const double before = CpuSeconds(child.pid());
  std::this_thread::sleep_for(std::chrono::milliseconds(800));
  EXPECT_GT(CpuSeconds(child.pid()), before) << "it is left stopped";
}

TEST(MemoryLimit, WhoNeedsMoreIsEndedOrTheReasonIsSaid) {
  auto limit = MemoryLimit::Make("test", 20'000'000);
  if (!limit.ok()) {
    EXPECT_NE(limit.status().message().find("control group"), std::string::npos);
    return;
  }
  int go[2];
  ASSERT_EQ(::pipe(go), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    char byte = 0;
    (void)!::read(go[0], &byte, 1);
    std::string much(100'000'000, 'x');
    ::_exit(much[77] == 'x' ? 0 : 1);
  }
  EXPECT_TRUE(limit->Add(pid).ok());
  (void)!::write(go[1], "g", 1);
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  ::close(go[0]);
  ::close(go[1]);
}

}  // namespace
}  // namespace everwrite::chaos
