#include "chaos/live/throttle.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <utility>

namespace everwrite::chaos {
namespace {

namespace fs = std::filesystem;

// Long beside what a switch costs, short beside what a client notices.
constexpr std::chrono::microseconds kPeriod{20'000};
constexpr const char* kPrefix = "everwrite-chaos-";

bool WriteText(const std::string& path, const std::string& text) {
  std::ofstream out(path);
  out << text << std::flush;
  return static_cast<bool>(out);
}

// Where groups of memory are made; empty: nowhere.
std::string MemoryParent() {
  std::error_code error;
  if (fs::exists("/sys/fs/cgroup/memory/memory.limit_in_bytes", error))
    return "/sys/fs/cgroup/memory";
  // Version 2, where the root may give memory on.
  std::ifstream controllers("/sys/fs/cgroup/cgroup.subtree_control");
  for (std::string word; controllers >> word;)
    if (word == "memory") return "/sys/fs/cgroup";
  return {};
}

// rmdir takes only those that hold no process.
void RemoveLeftovers(const std::string& parent) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(parent, error))
    if (entry.path().filename().string().starts_with(kPrefix)) ::rmdir(entry.path().c_str());
}

}  // namespace

CpuShare::CpuShare(std::function<pid_t()> pid, double percent)
    : thread_([this, pid = std::move(pid), percent] {
        const auto runs = std::chrono::microseconds(
            static_cast<int64_t>(static_cast<double>(kPeriod.count()) * percent / 100));
        while (!stop_) {
          const pid_t now = pid();
          if (now != 0) ::kill(now, SIGSTOP);
          std::this_thread::sleep_for(kPeriod - runs);
          // Whoever has taken the number meanwhile was not stopped.
          if (now != 0 && pid() == now) ::kill(now, SIGCONT);
          std::this_thread::sleep_for(runs);
        }
      }) {}

CpuShare::~CpuShare() {
  stop_ = true;
  thread_.join();
}

Result<MemoryLimit> MemoryLimit::Make(const std::string& name, uint64_t bytes) {
  const std::string parent = MemoryParent();
  if (parent.empty())
    return FailedPrecondition("a bound on memory needs control groups for memory; there are none");
  RemoveLeftovers(parent);
  const std::string folder = parent + "/" + kPrefix + std::to_string(::getpid()) + "-" + name;
  std::error_code error;
  if (!fs::create_directory(folder, error))
    return FailedPrecondition("a bound on memory needs a control group; " + folder +
                              " cannot be made: " + error.message());
  MemoryLimit limit(parent, folder);
  const bool version1 = fs::exists(folder + "/memory.limit_in_bytes", error);
  if (!WriteText(folder + (version1 ? "/memory.limit_in_bytes" : "/memory.max"),
                 std::to_string(bytes)))
    return FailedPrecondition(folder + " takes no bound on memory");
  return limit;
}

MemoryLimit::MemoryLimit(MemoryLimit&& other) noexcept
    : parent_(std::move(other.parent_)),
      folder_(std::exchange(other.folder_, {})),
      last_(other.last_) {}

MemoryLimit::~MemoryLimit() {
  if (folder_.empty()) return;
  std::ifstream in(folder_ + "/cgroup.procs");
  for (std::string pid; in >> pid;) (void)WriteText(parent_ + "/cgroup.procs", pid);
  ::rmdir(folder_.c_str());
}

Status MemoryLimit::Add(pid_t pid) {
  if (pid == last_) return OkStatus();
  if (!WriteText(folder_ + "/cgroup.procs", std::to_string(pid)))
    return FailedPrecondition("process " + std::to_string(pid) + " cannot be put into " + folder_);
  last_ = pid;
  return OkStatus();
}

}  // namespace everwrite::chaos
