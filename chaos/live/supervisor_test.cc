// Supervision of real processes: started again, with patience, and never left behind.
#include "chaos/live/supervisor.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace everwrite::chaos {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

class SupervisorTest : public testing::Test {
 protected:
  SupervisorTest() {
    char name[] = "/tmp/everwrite_supervisor_XXXXXX";
    root_ = ::mkdtemp(name);
  }
  ~SupervisorTest() override { fs::remove_all(root_); }
  ProcessSpec Shell(const std::string& name, const std::string& script) const {
    return {.name = name, .command = {"sh", "-c", script}, .log_file = root_ + "/" + name + ".log"};
  }
  template <typename Condition>
  static bool Eventually(Condition condition, int timeout_ms = 5000) {
    for (int waited = 0; waited < timeout_ms; waited += 10) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(10));
    }
    return condition();
  }
  static bool Alive(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string number, name, state;
    return stat >> number >> name >> state && state != "Z";
  }
  std::string root_;
};

TEST_F(SupervisorTest, AChildThatIsKilledIsStartedAgain) {
  Supervisor supervisor{Logger()};
  ASSERT_TRUE(supervisor.Start(Shell("a", "exec sleep 100")).ok());
  const pid_t first = supervisor.List()[0].pid;
  ASSERT_TRUE(supervisor.Signal("a", SIGKILL).ok());
  ASSERT_TRUE(Eventually([&] {
    const auto info = supervisor.List()[0];
    return info.pid != 0 && info.pid != first;
  }));
  EXPECT_EQ(supervisor.List()[0].restarts, 1u);
  EXPECT_EQ(supervisor.List()[0].exit_status, 128 + SIGKILL);
}

TEST_F(SupervisorTest, BeforeEveryStartSomethingIsDoneAndTheCommandMayChange) {
  Supervisor supervisor{Logger()};
  ProcessSpec spec = Shell("a", "echo $TOLD >> " + root_ + "/told; exec sleep 100");
  spec.environment["TOLD"] = "first";
  int starts = 0;
  spec.before_start = [&starts](ProcessSpec& next) {
    if (++starts == 2) next.environment["TOLD"] = "second";
  };
  ASSERT_TRUE(supervisor.Start(std::move(spec)).ok());
  const auto told = [this] {
    std::ifstream in(root_ + "/told");
    std::string all;
    for (std::string line; std::getline(in, line);) all += line + " ";
    return all;
  };
  ASSERT_TRUE(Eventually([&] { return told() == "first "; }));
  ASSERT_TRUE(supervisor.Signal("a", SIGKILL).ok());
  EXPECT_TRUE(Eventually([&] { return told() == "first second "; })) << told();
}

TEST_F(SupervisorTest, OneThatHasEndedForGoodCanBeRevived) {
  Supervisor supervisor{Logger()};
  ASSERT_TRUE(supervisor.Start(Shell("a", "exit 78")).ok());
  ASSERT_TRUE(Eventually([&] { return supervisor.List()[0].finished; }));
  EXPECT_TRUE(supervisor.Revive("a").ok());
  EXPECT_TRUE(Eventually([&] { return supervisor.List()[0].restarts == 1; }));
  EXPECT_FALSE(supervisor.Revive("b").ok());
}

TEST_F(SupervisorTest, TheDelayGrowsForOneThatCannotLive) {
  Supervisor supervisor{Logger()};
  ASSERT_TRUE(supervisor.Start(Shell("a", "exit 1")).ok());
  std::this_thread::sleep_for(milliseconds(1000));
  // 100 + 200 + 400 ms: three, and the fourth not yet.
  const uint32_t restarts = supervisor.List()[0].restarts;
  EXPECT_GE(restarts, 2u);
  EXPECT_LE(restarts, 4u);
}

TEST_F(SupervisorTest, AStatusThatRestartingCannotMendEndsIt) {
  Supervisor supervisor{Logger()};
  ASSERT_TRUE(supervisor.Start(Shell("a", "echo bad file >&2; exit 78")).ok());
  ASSERT_TRUE(Eventually([&] { return supervisor.List()[0].finished; }));
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_EQ(supervisor.List()[0].restarts, 0u);
  EXPECT_EQ(supervisor.List()[0].exit_status, 78);
  EXPECT_EQ(FileTail(root_ + "/a.log", 1000), "bad file\n");
}

TEST_F(SupervisorTest, AProgramThatIsNotThereIsToldAtOnce) {
  Supervisor supervisor{Logger()};
  const Status status = supervisor.Start(
      {.name = "a", .command = {"/no/such/program"}, .log_file = root_ + "/a.log"});
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find("/no/such/program"), std::string::npos);
  EXPECT_TRUE(supervisor.List().empty());
}

TEST_F(SupervisorTest, StopAsksFirstThenKillsTheWholeGroup) {
  Supervisor supervisor{Logger()};
  ASSERT_TRUE(
      supervisor
          .Start(Shell("polite", "trap 'echo bye; exit 0' TERM; while :; do sleep 0.01; done"))
          .ok());
  ASSERT_TRUE(
      supervisor
          .Start(Shell("deaf", "trap '' TERM; sleep 100 & echo $!; while :; do sleep 0.01; done"))
          .ok());
  ASSERT_TRUE(Eventually([&] { return !FileTail(root_ + "/deaf.log", 100).empty(); }));
  std::this_thread::sleep_for(milliseconds(50));
  const pid_t grandchild = std::atoi(FileTail(root_ + "/deaf.log", 100).c_str());
  ASSERT_TRUE(Alive(grandchild));
  std::vector<pid_t> pids;
  for (const auto& info : supervisor.List()) pids.push_back(info.pid);
  supervisor.StopAll(300);
  EXPECT_EQ(FileTail(root_ + "/polite.log", 100), "bye\n");
  for (const pid_t pid : pids) EXPECT_FALSE(Alive(pid));
  EXPECT_TRUE(Eventually([&] { return !Alive(grandchild); }));
  for (const auto& info : supervisor.List()) EXPECT_TRUE(info.finished);
}

// The parent is killed without a chance to clean up: the kernel does it.
TEST_F(SupervisorTest, ChildrenDieWithTheirParent) {
  const std::string note = root_ + "/pid";
  const pid_t parent = ::fork();
  if (parent == 0) {
    Supervisor supervisor{Logger()};
    if (!supervisor.Start(Shell("a", "echo $$ > " + note + "; exec sleep 100")).ok()) ::_exit(1);
    ::pause();
  }
  pid_t child = 0;
  ASSERT_TRUE(Eventually([&] {
    child = std::atoi(FileTail(note, 100).c_str());
    return child != 0;
  }));
  ASSERT_TRUE(Alive(child));
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  EXPECT_TRUE(Eventually([&] { return !Alive(child); }));
}

TEST_F(SupervisorTest, ATailBeginsAtALine) {
  std::ofstream(root_ + "/f") << "first line\nsecond\nthird\n";
  EXPECT_EQ(FileTail(root_ + "/f", 15), "second\nthird\n");
  EXPECT_EQ(FileTail(root_ + "/f", 1000), "first line\nsecond\nthird\n");
  EXPECT_EQ(FileTail(root_ + "/none", 10), "");
}

}  // namespace
}  // namespace everwrite::chaos
