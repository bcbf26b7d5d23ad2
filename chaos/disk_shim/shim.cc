// The disk shim: a library that is preloaded (LD_PRELOAD) into a process and stands between it and
// the files of one folder. It keeps book of what the process has made durable, so that a power cut
// can be played afterwards (shimmed_disk.h), and makes calls fail, wait or lie when it is told to.
//
// The rules are the strict ones of POSIX: bytes are safe when fsync or fdatasync of their file has
// returned, and a file's being there, its name or its absence when fsync of the folder has.
// sync_file_range promises nothing. A sync that failed has lost the bytes that it was for, whatever
// a later one says.
//
// All that is journalled is journalled before the call that it speaks of, so that a process may be
// killed anywhere. What the shim cannot see (a shared writable mapping, stdio) is counted as a
// hole.
//
// Calls go to the kernel directly: nothing is looked up, so it works before any constructor has
// run.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <map>
#include <string>
#include <vector>

#include "chaos/disk_shim/disk_control.h"

namespace {

using everwrite::chaos::DiskCall;
using everwrite::chaos::DiskControl;
using everwrite::chaos::DiskRecord;
using everwrite::chaos::DiskRecordHead;

constexpr int kMaxDescriptors = 65536;
constexpr size_t kMaxJournalText = 2 * PATH_MAX;

struct Change {
  uint64_t number;
  uint64_t folder;
  bool kept;  // a file in the side folder
};

struct Shim {
  bool on = false;
  std::string root, except, side;
  int journal = -1;
  DiskControl* control = nullptr;
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  std::map<uint64_t, uint64_t> safe;  // inode -> length
  std::vector<Change> changes;        // of folders, not yet safe
  uint64_t last_change = 0;
};

class Lock {
 public:
  explicit Lock(Shim& shim) : shim_(shim) { pthread_mutex_lock(&shim_.mutex); }
  ~Lock() { pthread_mutex_unlock(&shim_.mutex); }

 private:
  Shim& shim_;
};

struct Watched {
  uint64_t inode;  // 0: not watched
  bool folder;
  bool append;
};
Watched g_descriptors[kMaxDescriptors];

std::string KeptName(const Shim& shim, uint64_t number) {
  return shim.side + "/" + everwrite::chaos::kDiskKeptPrefix + std::to_string(number);
}

[[noreturn]] void Die(const char* what) {
  const std::string line =
      std::string("disk shim: ") + what + ": " + strerror(errno) + "; the process ends\n";
  (void)!syscall(SYS_write, 2, line.data(), line.size());
  _exit(71);
}

void Note(Shim& shim, DiskRecord kind, uint64_t a, uint64_t b, uint64_t c = 0,
          const void* data = nullptr, size_t bytes = 0) {
  const DiskRecordHead head{kind, static_cast<uint32_t>(bytes), a, b, c};
  std::string record(reinterpret_cast<const char*>(&head), sizeof(head));
  if (bytes > 0) record.append(static_cast<const char*>(data), bytes);
  const long written = syscall(SYS_write, shim.journal, record.data(), record.size());
  if (written != static_cast<long>(record.size())) Die("its journal cannot be written");
}

// What an earlier process under the same journal has left.
void ReadJournal(Shim& shim) {
  size_t at = 0;
  DiskRecordHead head;
  std::string journal;
  char buffer[65536];
  for (;;) {
    const long got = syscall(SYS_pread64, shim.journal, buffer, sizeof(buffer), journal.size());
    if (got <= 0) break;
    journal.append(buffer, static_cast<size_t>(got));
  }
  for (; at + sizeof(head) <= journal.size(); at += sizeof(head) + head.bytes) {
    memcpy(&head, journal.data() + at, sizeof(head));
    if (at + sizeof(head) + head.bytes > journal.size()) break;
    switch (head.kind) {
      case DiskRecord::kLength: shim.safe[head.a] = head.b; break;
      case DiskRecord::kOld:
      case DiskRecord::kSpoilt: break;
      case DiskRecord::kFolderSynced:
        std::erase_if(shim.changes, [&](const Change& change) {
          return change.number <= head.a && change.folder == head.b;
        });
        break;
      default:
        shim.changes.push_back({head.a, head.b,
                                head.kind == DiskRecord::kRemoved ||
                                    (head.kind == DiskRecord::kRenamed && head.c == 1)});
        shim.last_change = head.a;
        break;
    }
  }
  // Half a record at the end, of a process that was killed in it.
  if (at != journal.size()) (void)!syscall(SYS_ftruncate, shim.journal, at);
}

Shim* Open() {
  Shim* const shim = new Shim;
  const char* const root = getenv(everwrite::chaos::kDiskRootVariable);
  const char* const side = getenv(everwrite::chaos::kDiskSideVariable);
  const char* const except = getenv(everwrite::chaos::kDiskExceptVariable);
  if (root == nullptr || side == nullptr) return shim;
  shim->root = root;
  shim->side = side;
  if (except != nullptr) shim->except = except;
  const std::string control = shim->side + "/" + everwrite::chaos::kDiskControlName;
  const int fd =
      static_cast<int>(syscall(SYS_openat, AT_FDCWD, control.c_str(), O_RDWR | O_CLOEXEC));
  if (fd < 0) Die("its control file cannot be opened");
  const long mapped =
      syscall(SYS_mmap, nullptr, sizeof(DiskControl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == -1) Die("its control file cannot be mapped");
  shim->control = reinterpret_cast<DiskControl*>(mapped);
  syscall(SYS_close, fd);
  const std::string journal = shim->side + "/" + everwrite::chaos::kDiskJournalName;
  shim->journal = static_cast<int>(syscall(SYS_openat, AT_FDCWD, journal.c_str(),
                                           O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (shim->journal < 0) Die("its journal cannot be opened");
  ReadJournal(*shim);
  shim->on = true;
  return shim;
}

Shim& TheShim() {
  static Shim* const shim = Open();
  return *shim;
}

// The path from the root, when it is one that is watched; else empty.
std::string WatchedPath(int folder_fd, const char* path) {
  Shim& shim = TheShim();
  if (!shim.on || path == nullptr) return {};
  std::string full;
  if (path[0] != '/') {
    char base[PATH_MAX];
    ssize_t length = -1;
    if (folder_fd == AT_FDCWD) {
      if (getcwd(base, sizeof(base)) != nullptr) length = static_cast<ssize_t>(strlen(base));
    } else {
      const std::string link = "/proc/self/fd/" + std::to_string(folder_fd);
      length = readlink(link.c_str(), base, sizeof(base));
    }
    if (length < 0) return {};
    full.assign(base, static_cast<size_t>(length));
    full += '/';
  }
  full += path;
  const auto below = [&full](const std::string& folder) {
    return full.starts_with(folder) && (full.size() == folder.size() || full[folder.size()] == '/');
  };
  if (!below(shim.root) || (!shim.except.empty() && below(shim.except))) return {};
  return full;
}

uint64_t InodeOf(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

uint64_t FolderOf(const std::string& path) { return InodeOf(path.substr(0, path.rfind('/'))); }

// A call that writes or syncs begins: waits as it is told, and gives the error to answer with, or
// 0.
int Gate(DiskCall call) {
  DiskControl* const control = TheShim().control;
  for (;;) {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const uint64_t micros =
        static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
    if (control->hang_until_us <= micros) break;
    usleep(2000);
  }
  if (call == DiskCall::kSync && control->sync_delay_us != 0) {
    const uint64_t delay = control->sync_delay_us;
    timespec wait{static_cast<time_t>(delay / 1'000'000),
                  static_cast<long>(delay % 1'000'000 * 1000)};
    nanosleep(&wait, nullptr);
  }
  DiskControl::PerCall& counts = control->calls[static_cast<int>(call)];
  ++counts.made;
  const uint64_t fail_at = counts.fail_at;
  if (fail_at == 0) return 0;
  const uint64_t place = ++counts.armed;
  if (place != fail_at && (place < fail_at || counts.goes_on == 0)) return 0;
  ++counts.failed;
  return static_cast<int>(counts.error);
}

Watched* Find(int fd) {
  if (fd < 0 || fd >= kMaxDescriptors || g_descriptors[fd].inode == 0) return nullptr;
  return &g_descriptors[fd];
}

// Bytes from `offset` to `end` that are safe now and will change.
void KeepOld(Shim& shim, uint64_t inode, int fd, uint64_t offset, uint64_t end) {
  const auto safe = shim.safe.find(inode);
  if (safe == shim.safe.end() || offset >= safe->second || offset >= end) return;
  // `fd` may be for writing only.
  const std::string self = "/proc/self/fd/" + std::to_string(fd);
  const int reader =
      static_cast<int>(syscall(SYS_openat, AT_FDCWD, self.c_str(), O_RDONLY | O_CLOEXEC));
  if (reader < 0) Die("what is overwritten cannot be read");
  end = end < safe->second ? end : safe->second;
  char buffer[65536];
  while (offset < end) {
    const size_t want = end - offset < sizeof(buffer) ? end - offset : sizeof(buffer);
    const long got = syscall(SYS_pread64, reader, buffer, want, offset);
    if (got <= 0) break;
    Note(shim, DiskRecord::kOld, inode, offset, 0, buffer, static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
  syscall(SYS_close, reader);
}

uint64_t LengthOf(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

// The file that `fd` was opened for is watched from now on.
void Watch(Shim& shim, int fd, int flags, bool made) {
  struct stat info;
  if (fd < 0 || fd >= kMaxDescriptors || fstat(fd, &info) != 0) return;
  const bool folder = S_ISDIR(info.st_mode);
  if (!folder && !S_ISREG(info.st_mode)) return;
  const uint64_t inode = info.st_ino;
  if (!folder && (made || shim.safe.find(inode) == shim.safe.end())) {
    const uint64_t length = made ? 0 : static_cast<uint64_t>(info.st_size);
    shim.safe[inode] = length;
    Note(shim, DiskRecord::kLength, inode, length);
  }
  g_descriptors[fd] = {inode, folder, (flags & O_APPEND) != 0};
}

void NoteChange(Shim& shim, DiskRecord kind, const std::string& path, bool kept,
                const std::string& other = {}) {
  const uint64_t number = ++shim.last_change;
  const uint64_t folder = FolderOf(other.empty() ? path : other);
  std::string text = path;
  if (!other.empty()) text += std::string(1, '\0') + other;
  if (text.size() > kMaxJournalText) Die("a path is too long");
  shim.changes.push_back({number, folder, kept});
  Note(shim, kind, number, folder, kept ? 1 : 0, text.data(), text.size());
}

int Fail(int error) {
  errno = error;
  return -1;
}

int OpenFile(int folder_fd, const char* path, int flags, mode_t mode) {
  const bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0;
  const std::string full =
      writes || (flags & O_DIRECTORY) != 0 ? WatchedPath(folder_fd, path) : std::string();
  if (full.empty()) {
    const int fd = static_cast<int>(syscall(SYS_openat, folder_fd, path, flags, mode));
    // A folder may be opened without O_DIRECTORY, to be synced.
    struct stat info;
    if (fd >= 0 && !writes && TheShim().on && fstat(fd, &info) == 0 && S_ISDIR(info.st_mode) &&
        !WatchedPath(folder_fd, path).empty()) {
      Shim& shim = TheShim();
      const Lock lock(shim);
      Watch(shim, fd, flags, false);
    }
    return fd;
  }
  Shim& shim = TheShim();
  const bool there = InodeOf(full) != 0;
  const bool makes = (flags & O_CREAT) != 0 && !there && (flags & O_TMPFILE) != O_TMPFILE;
  if (makes)
    if (const int error = Gate(DiskCall::kWrite)) return Fail(error);
  const Lock lock(shim);
  if (makes) NoteChange(shim, DiskRecord::kMade, full, false);
  const bool truncates = there && (flags & O_TRUNC) != 0;
  if (truncates) {
    const int old = static_cast<int>(syscall(SYS_openat, folder_fd, path, O_RDWR | O_CLOEXEC));
    if (old >= 0) {
      Watch(shim, old, 0, false);
      KeepOld(shim, g_descriptors[old].inode, old, 0, UINT64_MAX);
      g_descriptors[old] = {};
      syscall(SYS_close, old);
    }
  }
  const int fd = static_cast<int>(syscall(SYS_openat, folder_fd, path, flags, mode));
  if (fd >= 0) Watch(shim, fd, flags, makes);
  return fd;
}

template <typename Call>
ssize_t WriteAt(int fd, int64_t offset, size_t bytes, Call call) {
  Watched* const watched = Find(fd);
  if (watched == nullptr) return call();
  if (const int error = Gate(DiskCall::kWrite)) return Fail(error);
  Shim& shim = TheShim();
  const Lock lock(shim);
  uint64_t at = static_cast<uint64_t>(offset);
  if (offset < 0)
    at =
        watched->append ? LengthOf(fd) : static_cast<uint64_t>(syscall(SYS_lseek, fd, 0, SEEK_CUR));
  KeepOld(shim, watched->inode, fd, at, at + bytes);
  return call();
}

size_t TotalOf(const iovec* parts, int count) {
  size_t bytes = 0;
  for (int i = 0; i < count; ++i) bytes += parts[i].iov_len;
  return bytes;
}

int SyncFolder(Shim& shim, int fd, uint64_t folder, long call) {
  uint64_t last;
  {
    const Lock lock(shim);
    last = shim.last_change;
  }
  const int result = static_cast<int>(syscall(call, fd));
  if (result != 0) return result;
  const Lock lock(shim);
  Note(shim, DiskRecord::kFolderSynced, last, folder);
  std::erase_if(shim.changes, [&](const Change& change) {
    const bool safe = change.number <= last && change.folder == folder;
    if (safe && change.kept)
      syscall(SYS_unlinkat, AT_FDCWD, KeptName(shim, change.number).c_str(), 0);
    return safe;
  });
  return 0;
}

int SyncFile(int fd, long call) {
  Watched* const watched = Find(fd);
  if (watched == nullptr) return static_cast<int>(syscall(call, fd));
  Shim& shim = TheShim();
  const uint64_t inode = watched->inode;
  const int error = Gate(DiskCall::kSync);
  if (shim.control->lies != 0) return 0;
  if (error == 0 && watched->folder) return SyncFolder(shim, fd, inode, call);
  if (watched->folder) return Fail(error);
  const uint64_t length = LengthOf(fd);
  if (error != 0) {
    const Lock lock(shim);
    if (shim.safe[inode] < length) Note(shim, DiskRecord::kSpoilt, inode, shim.safe[inode], length);
    return Fail(error);
  }
  const int result = static_cast<int>(syscall(call, fd));
  if (result != 0) return result;
  const Lock lock(shim);
  shim.safe[inode] = length;
  Note(shim, DiskRecord::kLength, inode, length);
  return 0;
}

int Truncate(int fd, int64_t length) {
  if (Watched* const watched = Find(fd)) {
    if (const int error = Gate(DiskCall::kWrite)) return Fail(error);
    Shim& shim = TheShim();
    const Lock lock(shim);
    KeepOld(shim, watched->inode, fd, static_cast<uint64_t>(length), UINT64_MAX);
    return static_cast<int>(syscall(SYS_ftruncate, fd, length));
  }
  return static_cast<int>(syscall(SYS_ftruncate, fd, length));
}

int Allocate(int fd, int mode, int64_t offset, int64_t bytes) {
  if (Find(fd) != nullptr) {
    if (const int error = Gate(DiskCall::kWrite)) return Fail(error);
    // Zeros are written over what was there; what moves bytes about is not kept book of.
    constexpr int kZeros = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
    Shim& shim = TheShim();
    if ((mode & ~(FALLOC_FL_KEEP_SIZE | kZeros)) != 0) ++shim.control->holes;
    const Lock lock(shim);
    if ((mode & kZeros) != 0)
      KeepOld(shim, Find(fd)->inode, fd, static_cast<uint64_t>(offset),
              static_cast<uint64_t>(offset + bytes));
  }
  return static_cast<int>(syscall(SYS_fallocate, fd, mode, offset, bytes));
}

int Rename(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) {
  const std::string source = WatchedPath(from_fd, from);
  const std::string target = WatchedPath(to_fd, to);
  const auto call = [&] {
    return static_cast<int>(syscall(SYS_renameat2, from_fd, from, to_fd, to, flags));
  };
  if (source.empty() || target.empty()) return call();
  if (const int error = Gate(DiskCall::kWrite)) return Fail(error);
  Shim& shim = TheShim();
  const Lock lock(shim);
  const bool kept =
      InodeOf(target) != 0 && syscall(SYS_linkat, AT_FDCWD, target.c_str(), AT_FDCWD,
                                      KeptName(shim, shim.last_change + 1).c_str(), 0) == 0;
  NoteChange(shim, DiskRecord::kRenamed, source, kept, target);
  return call();
}

int Remove(int folder_fd, const char* path, int flags) {
  const std::string full = WatchedPath(folder_fd, path);
  if (!full.empty() && (flags & AT_REMOVEDIR) == 0 && InodeOf(full) != 0) {
    Shim& shim = TheShim();
    const Lock lock(shim);
    // A folder cannot be linked; then unlink fails too, and nothing has to come back.
    if (syscall(SYS_linkat, AT_FDCWD, full.c_str(), AT_FDCWD,
                KeptName(shim, shim.last_change + 1).c_str(), 0) == 0)
      NoteChange(shim, DiskRecord::kRemoved, full, true);
  }
  return static_cast<int>(syscall(SYS_unlinkat, folder_fd, path, flags));
}

int MakeFolder(int folder_fd, const char* path, mode_t mode) {
  const std::string full = WatchedPath(folder_fd, path);
  if (!full.empty() && InodeOf(full) == 0) {
    if (const int error = Gate(DiskCall::kWrite)) return Fail(error);
    Shim& shim = TheShim();
    const Lock lock(shim);
    NoteChange(shim, DiskRecord::kMadeFolder, full, false);
  }
  return static_cast<int>(syscall(SYS_mkdirat, folder_fd, path, mode));
}

int Link(int from_fd, const char* from, int to_fd, const char* to, int flags) {
  const std::string target = WatchedPath(to_fd, to);
  if (!target.empty() && InodeOf(target) == 0) {
    if (const int error = Gate(DiskCall::kWrite)) return Fail(error);
    Shim& shim = TheShim();
    const Lock lock(shim);
    NoteChange(shim, DiskRecord::kMade, target, false);
  }
  return static_cast<int>(syscall(SYS_linkat, from_fd, from, to_fd, to, flags));
}

void* Map(void* address, size_t bytes, int protection, int flags, int fd, int64_t offset) {
  if ((protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0 && Find(fd) != nullptr)
    ++TheShim().control->holes;
  const long result = syscall(SYS_mmap, address, bytes, protection, flags, fd, offset);
  return reinterpret_cast<void*>(result);
}

FILE* OpenStream(const char* name, const char* path, const char* mode) {
  using Function = FILE* (*)(const char*, const char*);
  if (strpbrk(mode, "wa+") != nullptr && !WatchedPath(AT_FDCWD, path).empty())
    ++TheShim().control->holes;
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name))(path, mode);
}

mode_t ModeOf(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

#define EVERWRITE_OPEN_WITH_MODE(folder_fd, path, flags) \
  va_list arguments;                                     \
  va_start(arguments, flags);                            \
  const mode_t mode = ModeOf(flags, arguments);          \
  va_end(arguments);                                     \
  return OpenFile(folder_fd, path, flags, mode)

extern "C" {

int open(const char* path, int flags, ...) { EVERWRITE_OPEN_WITH_MODE(AT_FDCWD, path, flags); }
int open64(const char* path, int flags, ...) { EVERWRITE_OPEN_WITH_MODE(AT_FDCWD, path, flags); }
int openat(int fd, const char* path, int flags, ...) { EVERWRITE_OPEN_WITH_MODE(fd, path, flags); }
int openat64(int fd, const char* path, int flags, ...) {
  EVERWRITE_OPEN_WITH_MODE(fd, path, flags);
}
int __open_2(const char* path, int flags) { return OpenFile(AT_FDCWD, path, flags, 0); }
int __open64_2(const char* path, int flags) { return OpenFile(AT_FDCWD, path, flags, 0); }
int creat(const char* path, mode_t mode) {
  return OpenFile(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int creat64(const char* path, mode_t mode) {
  return OpenFile(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
FILE* fopen(const char* path, const char* mode) { return OpenStream("fopen", path, mode); }
FILE* fopen64(const char* path, const char* mode) { return OpenStream("fopen64", path, mode); }

int close(int fd) {
  if (fd >= 0 && fd < kMaxDescriptors) g_descriptors[fd] = {};
  return static_cast<int>(syscall(SYS_close, fd));
}

ssize_t write(int fd, const void* data, size_t bytes) {
  return WriteAt(fd, -1, bytes, [&] { return syscall(SYS_write, fd, data, bytes); });
}
ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  return WriteAt(fd, offset, bytes, [&] { return syscall(SYS_pwrite64, fd, data, bytes, offset); });
}
ssize_t pwrite64(int fd, const void* data, size_t bytes, off64_t offset) {
  return pwrite(fd, data, bytes, offset);
}
ssize_t writev(int fd, const iovec* parts, int count) {
  return WriteAt(fd, -1, TotalOf(parts, count),
                 [&] { return syscall(SYS_writev, fd, parts, count); });
}
ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
  return WriteAt(fd, offset, TotalOf(parts, count),
                 [&] { return syscall(SYS_pwritev, fd, parts, count, offset, 0); });
}
ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t offset) {
  return pwritev(fd, parts, count, offset);
}

int fsync(int fd) { return SyncFile(fd, SYS_fsync); }
int fdatasync(int fd) { return SyncFile(fd, SYS_fdatasync); }
int ftruncate(int fd, off_t length) noexcept { return Truncate(fd, length); }
int ftruncate64(int fd, off64_t length) noexcept { return Truncate(fd, length); }
int fallocate(int fd, int mode, off_t offset, off_t bytes) {
  return Allocate(fd, mode, offset, bytes);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t bytes) {
  return Allocate(fd, mode, offset, bytes);
}
int posix_fallocate(int fd, off_t offset, off_t bytes) {
  return Allocate(fd, 0, offset, bytes) == 0 ? 0 : errno;
}
int posix_fallocate64(int fd, off64_t offset, off64_t bytes) {
  return posix_fallocate(fd, offset, bytes);
}

int rename(const char* from, const char* to) noexcept {
  return Rename(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat(int from_fd, const char* from, int to_fd, const char* to) noexcept {
  return Rename(from_fd, from, to_fd, to, 0);
}
int renameat2(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) noexcept {
  return Rename(from_fd, from, to_fd, to, flags);
}
int unlink(const char* path) noexcept { return Remove(AT_FDCWD, path, 0); }
int unlinkat(int fd, const char* path, int flags) noexcept { return Remove(fd, path, flags); }
int remove(const char* path) noexcept {
  const int result = Remove(AT_FDCWD, path, 0);
  return result == 0 || errno != EISDIR ? result : Remove(AT_FDCWD, path, AT_REMOVEDIR);
}
int mkdir(const char* path, mode_t mode) noexcept { return MakeFolder(AT_FDCWD, path, mode); }
int mkdirat(int fd, const char* path, mode_t mode) noexcept { return MakeFolder(fd, path, mode); }
int link(const char* from, const char* to) noexcept {
  return Link(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int linkat(int from_fd, const char* from, int to_fd, const char* to, int flags) noexcept {
  return Link(from_fd, from, to_fd, to, flags);
}
void* mmap(void* address, size_t bytes, int protection, int flags, int fd, off_t offset) noexcept {
  return Map(address, bytes, protection, flags, fd, offset);
}
void* mmap64(void* address, size_t bytes, int protection, int flags, int fd,
             off64_t offset) noexcept {
  return Map(address, bytes, protection, flags, fd, offset);
}

}  // extern "C"
