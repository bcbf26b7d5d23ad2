#include "chaos/live/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <functional>
#include <mutex>
#include <thread>

#include "base/named_thread.h"

namespace everwrite::chaos {
namespace {

constexpr int64_t kFirstDelayMs = 100;
constexpr int64_t kSettledMs = 10000;
constexpr int64_t kPollMs = 20;  // how soon an end is noticed

int64_t NowMillis() {
  struct timespec now {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct Child {
  ProcessSpec spec;
  pid_t pid = 0;
  uint32_t restarts = 0;
  bool finished = false;
  bool stopping = false;
  int exit_status = 0;
  int64_t started_at = 0;
  int64_t start_at = 0;  // when not running and not finished
  int64_t delay_ms = kFirstDelayMs;
};

// Between fork and exec: only what is safe there. Does not return.
[[noreturn]] void BecomeChild(char* const* arguments, char* const* environment, int log_fd,
                              int error_fd, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // died in between: nobody would be told
  const int null_fd = ::open("/dev/null", O_RDONLY);
  if (null_fd >= 0) ::dup2(null_fd, STDIN_FILENO);
  ::dup2(log_fd, STDOUT_FILENO);
  ::dup2(log_fd, STDERR_FILENO);
  struct sigaction normal {};
  normal.sa_handler = SIG_DFL;
  for (int signal = 1; signal < 32; ++signal) ::sigaction(signal, &normal, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvpe(arguments[0], arguments, environment);
  const int error = errno;
  (void)!::write(error_fd, &error, sizeof(error));
  ::_exit(127);
}

Result<pid_t> Spawn(const ProcessSpec& spec) {
  std::vector<char*> arguments;
  for (const std::string& argument : spec.command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    if (spec.environment.count(text.substr(0, text.find('='))) == 0) variables.push_back(text);
  }
  for (const auto& [name, value] : spec.environment) variables.push_back(name + "=" + value);
  std::vector<char*> environment;
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  const int log_fd = ::open(spec.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log_fd < 0) {
    return Unavailable("cannot open log file " + spec.log_file + ": " + std::strerror(errno));
  }
  int error_pipe[2];
  if (::pipe2(error_pipe, O_CLOEXEC) != 0) {
    ::close(log_fd);
    return Unavailable(std::string("pipe: ") + std::strerror(errno));
  }
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) BecomeChild(arguments.data(), environment.data(), log_fd, error_pipe[1], parent);
  const int fork_error = errno;
  ::close(error_pipe[1]);
  ::close(log_fd);
  int error = 0;
  if (pid < 0) {
    error = fork_error;
  } else if (::read(error_pipe[0], &error, sizeof(error)) == sizeof(error)) {
    ::waitpid(pid, nullptr, 0);
  } else {
    error = 0;  // the pipe closed at exec: it runs
  }
  ::close(error_pipe[0]);
  if (error != 0) {
    return Unavailable("cannot start " + spec.command[0] + ": " + std::strerror(error));
  }
  return pid;
}

}  // namespace

class Supervisor::Impl {
 public:
  explicit Impl(Logger log)
      : log_(std::move(log)), thread_(NamedThread("supervisor", [this] { Run(); })) {}
  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  Status Start(ProcessSpec spec) {
    std::unique_lock lock(mutex_);
    Child child;
    child.spec = std::move(spec);
    bool done = false;
    Status status;
    // The thread starts it, see the header.
    requests_.push_back([&] {
      status = StartChild(child);
      if (status.ok()) children_.push_back(std::move(child));
      done = true;
    });
    changed_.notify_all();
    answered_.wait(lock, [&] { return done; });
    return status;
  }

  std::vector<ProcessInfo> List() const {
    const std::lock_guard lock(mutex_);
    std::vector<ProcessInfo> list;
    for (const Child& child : children_) {
      list.push_back({child.spec.name, child.pid, child.restarts, child.finished, child.exit_status,
                      child.spec.log_file});
    }
    return list;
  }

  Status Signal(const std::string& name, int signal) {
    const std::lock_guard lock(mutex_);
    for (const Child& child : children_) {
      if (child.spec.name != name) continue;
      if (child.pid == 0) return Unavailable(name + " does not run now");
      return ::kill(child.pid, signal) == 0 ? OkStatus() : Unavailable(std::strerror(errno));
    }
    return NotFound("no process is called " + name);
  }

  Status Revive(const std::string& name) {
    const std::lock_guard lock(mutex_);
    for (Child& child : children_) {
      if (child.spec.name != name) continue;
      if (!child.finished || child.stopping || child.pid != 0)
        return FailedPrecondition(name + " has not ended for good");
      child.finished = false;
      child.start_at = 0;
      changed_.notify_all();
      return OkStatus();
    }
    return NotFound("no process is called " + name);
  }

  void Stop(const std::function<bool(const Child&)>& which, int64_t grace_ms) {
    std::unique_lock lock(mutex_);
    for (auto child = children_.rbegin(); child != children_.rend(); ++child) {
      if (!which(*child)) continue;
      child->stopping = true;
      child->finished = true;
      if (child->pid != 0) ::kill(child->pid, SIGTERM);
    }
    const auto gone = [&] {
      return std::none_of(children_.begin(), children_.end(),
                          [&](const Child& child) { return which(child) && child.pid != 0; });
    };
    changed_.notify_all();
    if (answered_.wait_for(lock, std::chrono::milliseconds(grace_ms), gone)) return;
    for (const Child& child : children_) {
      if (which(child) && child.pid != 0) {
        log_.Warning("did not end in time; killed", {{"process", child.spec.name}});
        ::kill(-child.pid, SIGKILL);
      }
    }
    answered_.wait(lock, gone);
  }

 private:
  Status StartChild(Child& child) {
    child.started_at = NowMillis();
    if (child.spec.before_start) child.spec.before_start(child.spec);
    auto pid = Spawn(child.spec);
    if (!pid.ok()) return pid.status();
    child.pid = *pid;
    log_.Debug("started", {{"process", child.spec.name}, {"pid", child.pid}});
    return OkStatus();
  }

  void Run() {
    std::unique_lock lock(mutex_);
    while (!ending_ || AnyRunning()) {
      for (const auto& request : requests_) request();
      requests_.clear();
      const int64_t now = NowMillis();
      for (Child& child : children_) Visit(child, now);
      answered_.notify_all();
      if (ending_ && !AnyRunning()) break;
      changed_.wait_for(lock, std::chrono::milliseconds(kPollMs));
    }
  }

  bool AnyRunning() const {
    return std::any_of(children_.begin(), children_.end(),
                       [](const Child& child) { return child.pid != 0; });
  }

  void Visit(Child& child, int64_t now) {
    if (child.pid != 0) {
      int status = 0;
      if (::waitpid(child.pid, &status, WNOHANG) == child.pid) OnEnd(child, status, now);
    } else if (!child.finished && child.start_at <= now) {
      ++child.restarts;
      const Status started = StartChild(child);
      if (!started.ok()) {
        log_.Error("cannot be started again", {{"process", child.spec.name}, {"why", started}});
        Postpone(child, now);
      }
    }
  }

  void OnEnd(Child& child, int status, int64_t now) {
    // What it may have started itself is in its group.
    ::kill(-child.pid, SIGKILL);
    child.exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    child.pid = 0;
    if (child.stopping) return;
    const auto& final_statuses = child.spec.final_statuses;
    if (!child.spec.restart || std::find(final_statuses.begin(), final_statuses.end(),
                                         child.exit_status) != final_statuses.end()) {
      child.finished = true;
      log_.Error("ended and is not started again", {{"process", child.spec.name},
                                                    {"status", child.exit_status},
                                                    {"log", child.spec.log_file}});
      return;
    }
    if (now - child.started_at >= kSettledMs) child.delay_ms = kFirstDelayMs;
    log_.Warning("ended; is started again", {{"process", child.spec.name},
                                             {"status", child.exit_status},
                                             {"delay_ms", child.delay_ms},
                                             {"log", child.spec.log_file}});
    Postpone(child, now);
  }

  static void Postpone(Child& child, int64_t now) {
    child.start_at = now + child.delay_ms;
    child.delay_ms = std::min(child.delay_ms * 2, child.spec.longest_delay_ms);
  }

  const Logger log_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;   // for the thread
  std::condition_variable answered_;  // for callers
  std::vector<std::function<void()>> requests_;
  std::vector<Child> children_;
  bool ending_ = false;
  std::thread thread_;  // last: starts when all else is there
};

Supervisor::Supervisor(Logger log) : impl_(std::make_unique<Impl>(std::move(log))) {}
Supervisor::~Supervisor() { StopAll(2000); }

Status Supervisor::Start(ProcessSpec spec) { return impl_->Start(std::move(spec)); }
std::vector<ProcessInfo> Supervisor::List() const { return impl_->List(); }
Status Supervisor::Signal(const std::string& name, int signal) {
  return impl_->Signal(name, signal);
}
Status Supervisor::Revive(const std::string& name) { return impl_->Revive(name); }
void Supervisor::Stop(const std::vector<std::string>& names, int64_t grace_ms) {
  impl_->Stop(
      [&](const Child& child) {
        return std::find(names.begin(), names.end(), child.spec.name) != names.end();
      },
      grace_ms);
}
void Supervisor::StopAll(int64_t grace_ms) {
  impl_->Stop([](const Child&) { return true; }, grace_ms);
}

std::string FileTail(const std::string& path, size_t max_bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  struct stat info {};
  ::fstat(fd, &info);
  const auto size = static_cast<size_t>(info.st_size);
  const size_t from = size > max_bytes ? size - max_bytes : 0;
  std::string text(std::min(size, max_bytes), '\0');
  const ssize_t got = ::pread(fd, text.data(), text.size(), static_cast<off_t>(from));
  ::close(fd);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  if (from > 0) {
    const size_t line = text.find('\n');
    if (line != std::string::npos) text.erase(0, line + 1);
  }
  return text;
}

}  // namespace everwrite::chaos
