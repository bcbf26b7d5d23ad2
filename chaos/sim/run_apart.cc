#include "chaos/sim/run_apart.h"

#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace everwrite::chaos {
namespace {

// Of processor time, for one world: what takes longer has run into a loop. Not of the wall's clock:
// the machine may be busy with other things.
constexpr time_t kSecondsMax = 300;
constexpr size_t kLineMax = 2000;

// What the child sends: numbers as they lie in memory (it is the same program), then the lines.
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

[[noreturn]] void RunChild(const Schedule& schedule, const Plants& plants,
                           const std::function<void()>& before, int out, std::FILE* errors) {
  const struct itimerval limit {
    {}, { kSecondsMax, 0 }
  };
  setitimer(ITIMER_PROF, &limit, nullptr);
  dup2(fileno(errors), STDERR_FILENO);
  if (before) before();
  (void)RunWorld(schedule, plants, [out](const WorldResult& result) {
    const std::string bytes = Pack(result);
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t size = write(out, bytes.data() + at, bytes.size() - at);
      if (size <= 0) break;
      at += static_cast<size_t>(size);
    }
    _exit(0);
  });
  _exit(1);  // not reached
}

// The last line of what it printed on stderr.
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

WorldResult RunApart(const Schedule& schedule, const Plants& plants,
                     const std::function<void()>& before) {
  WorldResult result;
  int ends[2];
  std::FILE* const errors = std::tmpfile();
  if (errors == nullptr || pipe(ends) != 0) {
    if (errors != nullptr) std::fclose(errors);
    result.violations.push_back(std::string("cannot run it apart: ") + std::strerror(errno));
    return result;
  }
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    RunChild(schedule, plants, before, ends[1], errors);
  }
  close(ends[1]);
  std::string bytes;
  char buffer[4096];
  for (ssize_t size; child > 0 && (size = read(ends[0], buffer, sizeof buffer)) > 0;)
    bytes.append(buffer, static_cast<size_t>(size));
  close(ends[0]);
  int status = 0;
  if (child > 0) waitpid(child, &status, 0);
  if (child < 0) {
    result.violations.push_back(std::string("cannot run it apart: ") + std::strerror(errno));
  } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF) {
    result.violations.push_back("it does not come to an end");
  } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) {
    result.violations.push_back("a CHECK of the product's own: " + LastLine(errors));
  } else if (!Unpack(bytes, result)) {
    result.violations.push_back("a crash");
  }
  std::fclose(errors);
  return result;
}

}  // namespace everwrite::chaos
