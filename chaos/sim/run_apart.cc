#include "chaos/sim/run_apart.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cinttypes>
#include <csignal>
#include <cstring>
#include <memory>
#include <utility>

namespace everwrite::chaos {
namespace {

// Of processor time, for one world: what takes longer has run into a loop. Not of the wall's clock:
// the machine may be busy with other things.
constexpr time_t kSecondsPerWorldMax = 300;
// Then a new process, so that nothing can pile up in it.
constexpr size_t kWorldsMax = 200;
constexpr size_t kLineMax = 2000;

// What the process sends: numbers as they lie in memory (it is the same program), then the lines.
struct Head {
  uint64_t trace_hash = 0;
  WorldCounts counts;
};

std::string Pack(const WorldResult& result) {
  const Head head{result.trace_hash, result.counts};
  std::string bytes(sizeof head, '\0');
  std::memcpy(bytes.data(), &head, sizeof head);
  for (const std::string& line : result.violations) bytes += line.substr(0, kLineMax) + '\n';
  return bytes;
}

bool Unpack(const std::string& bytes, WorldResult& result) {
  Head head;
  if (bytes.size() < sizeof head) return false;
  std::memcpy(&head, bytes.data(), sizeof head);
  result.trace_hash = head.trace_hash;
  result.counts = head.counts;
  for (size_t at = sizeof head; at < bytes.size();) {
    const size_t end = bytes.find('\n', at);
    result.violations.push_back(bytes.substr(at, end - at));
    at = end + 1;
  }
  return true;
}

// Messages: their size, then their bytes. False: the other side has ended.
bool SendAll(int socket, const void* bytes, size_t size) {
  for (size_t at = 0; at < size;) {
    const ssize_t sent =
        send(socket, static_cast<const char*>(bytes) + at, size - at, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    at += static_cast<size_t>(sent);
  }
  return true;
}

bool SendMessage(int socket, const std::string& message) {
  const uint64_t size = message.size();
  return SendAll(socket, &size, sizeof size) && SendAll(socket, message.data(), message.size());
}

bool ReceiveAll(int socket, void* bytes, size_t size) {
  for (size_t at = 0; at < size;) {
    const ssize_t received = recv(socket, static_cast<char*>(bytes) + at, size - at, 0);
    if (received <= 0) return false;
    at += static_cast<size_t>(received);
  }
  return true;
}

bool ReceiveMessage(int socket, std::string& message) {
  uint64_t size = 0;
  if (!ReceiveAll(socket, &size, sizeof size)) return false;
  message.resize(size);
  return ReceiveAll(socket, message.data(), size);
}

void LimitTime(time_t seconds) {
  const struct itimerval limit {
    {}, { seconds, 0 }
  };
  setitimer(ITIMER_PROF, &limit, nullptr);
}

// Until the other side has ended.
[[noreturn]] void RunWorlds(const Plants& plants, int socket) {
  for (std::string text; ReceiveMessage(socket, text);) {
    const Result<Schedule> schedule = ParseSchedule(text, "the schedule");
    WorldResult result;
    if (!schedule.ok()) {
      result.violations.push_back(schedule.status().ToString());
    } else {
      LimitTime(kSecondsPerWorldMax);
      result = RunWorld(*schedule, plants);
      LimitTime(0);
    }
    if (!SendMessage(socket, Pack(result))) break;
  }
  _exit(0);
}

// Of what is in the file.
std::string LastLine(std::FILE* file) {
  std::rewind(file);
  std::string last;
  char buffer[kLineMax];
  while (std::fgets(buffer, sizeof buffer, file) != nullptr) {
    std::string line(buffer);
    while (!line.empty() && line.back() == '\n') line.pop_back();
    if (!line.empty()) last = std::move(line);
  }
  return last;
}

}  // namespace

WorldProcess::WorldProcess(const Plants& plants, std::function<void()> before)
    : plants_(plants), before_(std::move(before)), errors_(std::tmpfile()) {}

WorldProcess::~WorldProcess() {
  End();
  if (errors_ != nullptr) std::fclose(errors_);
}

bool WorldProcess::Start() {
  int ends[2];
  if (errors_ == nullptr || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return false;
  std::fflush(nullptr);
  child_ = fork();
  if (child_ == 0) {
    close(ends[0]);
    dup2(fileno(errors_), STDERR_FILENO);
    if (before_) before_();
    RunWorlds(plants_, ends[1]);
  }
  close(ends[1]);
  socket_ = ends[0];
  worlds_ = 0;
  return child_ > 0;
}

void WorldProcess::End() {
  if (socket_ >= 0) {
    shutdown(socket_, SHUT_RDWR);  // close alone would not do: a later child may have it, too
    close(socket_);
  }
  if (child_ > 0) waitpid(child_, nullptr, 0);  // it waits for the next world, and ends itself
  socket_ = child_ = -1;
}

std::string WorldProcess::Ending() {
  int status = 0;
  waitpid(std::exchange(child_, -1), &status, 0);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF) return "it does not come to an end";
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
    return "a CHECK of the product's own: " + LastLine(errors_);
  return "a crash";
}

WorldResult WorldProcess::Run(const Schedule& schedule) {
  WorldResult result;
  if (worlds_ >= kWorldsMax) End();
  // Before it starts: it shares the file's place with us, and may have something to say at once.
  if (errors_ != nullptr) {
    std::rewind(errors_);
    (void)!ftruncate(fileno(errors_), 0);
  }
  if (child_ <= 0 && !Start()) {
    result.violations.push_back(std::string("cannot run it apart: ") + std::strerror(errno));
    End();
    return result;
  }
  ++worlds_;
  std::string bytes;
  if (!SendMessage(socket_, FormatSchedule(schedule)) || !ReceiveMessage(socket_, bytes) ||
      !Unpack(bytes, result)) {
    result.violations.push_back(Ending());
    End();
  }
  return result;
}

WorldResult RunApart(const Schedule& schedule, const Plants& plants,
                     const std::function<void()>& before) {
  return WorldProcess(plants, before).Run(schedule);
}

std::function<WorldResult(const Schedule&)> RunInTurn(const Plants& plants) {
  return [plants, process = std::make_shared<WorldProcess>(plants)](const Schedule& schedule) {
    WorldResult result = process->Run(schedule);
    if (result.violations.empty()) return result;
    WorldResult alone = RunApart(schedule, plants);
    if (alone.violations != result.violations || alone.trace_hash != result.trace_hash)
      alone.violations.push_back("not deterministic: after other worlds " +
                                 result.violations.front());
    return alone;
  };
}

}  // namespace everwrite::chaos
