#include "chaos/disk_shim/shimmed_disk.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#include "base/random.h"

namespace everwrite::chaos {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kPage = 4096;

Status SystemError(const std::string& what) {
  return FailedPrecondition(what + ": " + std::strerror(errno));
}

struct Old {
  uint64_t offset;
  std::string bytes;
};

struct FileState {
  uint64_t safe = 0;
  std::vector<Old> old;                               // since the last sync, in order
  std::vector<std::pair<uint64_t, uint64_t>> spoilt;  // [begin, end)
};

struct FolderChange {
  DiskRecord kind;
  uint64_t number;
  uint64_t folder;
  bool kept;
  std::string path;
  std::string to;  // of kRenamed
};

struct Journal {
  std::map<uint64_t, FileState> files;  // by inode
  std::vector<FolderChange> changes;    // not safe
};

Journal ReadJournal(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream read;
  read << in.rdbuf();
  const std::string text = read.str();
  Journal journal;
  DiskRecordHead head;
  for (size_t at = 0; at + sizeof(head) <= text.size(); at += sizeof(head) + head.bytes) {
    std::memcpy(&head, text.data() + at, sizeof(head));
    if (at + sizeof(head) + head.bytes > text.size()) break;  // killed while it wrote this
    const std::string data = text.substr(at + sizeof(head), head.bytes);
    switch (head.kind) {
      case DiskRecord::kLength: {
        FileState& file = journal.files[head.a];
        file.safe = head.b;
        file.old.clear();
        if (head.b == 0) file.spoilt.clear();  // new, in the place of one that is gone
        break;
      }
      case DiskRecord::kOld: journal.files[head.a].old.push_back({head.b, data}); break;
      case DiskRecord::kSpoilt: journal.files[head.a].spoilt.emplace_back(head.b, head.c); break;
      case DiskRecord::kFolderSynced:
        std::erase_if(journal.changes, [&](const FolderChange& change) {
          return change.number <= head.a && change.folder == head.b;
        });
        break;
      default: {
        const size_t nul = data.find('\0');
        FolderChange change{head.kind, head.a, head.b, head.c != 0, data.substr(0, nul), {}};
        if (nul != std::string::npos) change.to = data.substr(nul + 1);
        journal.changes.push_back(std::move(change));
        break;
      }
    }
  }
  return journal;
}

bool Exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

// Of a call that the process was killed before, nothing is there to be undone.
void Undo(const FolderChange& change, const std::string& kept) {
  std::error_code ignored;
  switch (change.kind) {
    case DiskRecord::kMade: (void)::unlink(change.path.c_str()); break;
    case DiskRecord::kMadeFolder: fs::remove_all(change.path, ignored); break;
    case DiskRecord::kRemoved:
      if (!Exists(change.path)) (void)::link(kept.c_str(), change.path.c_str());
      break;
    default:
      if (Exists(change.path)) break;
      (void)::rename(change.to.c_str(), change.path.c_str());
      if (change.kept) (void)::link(kept.c_str(), change.to.c_str());
      break;
  }
}

// What is left of the bytes from `safe` to `size` that were not synced.
Status CutTail(int fd, uint64_t safe, uint64_t size, Random& chance, PowerCutReport& report) {
  uint64_t left = safe;
  bool zeros = false;
  switch (chance.Below(8)) {
    case 0: left = size; break;
    case 1:
      left = safe + chance.Below(size - safe + 1);
      zeros = true;
      break;
    case 2:
    case 3: left = safe + chance.Below(size - safe + 1); break;
    default: break;
  }
  if (::ftruncate(fd, static_cast<off_t>(left)) != 0) return SystemError("ftruncate");
  if (zeros && left > safe) {
    const uint64_t from = std::max(safe, (left - 1) / kPage * kPage);
    const std::string nothing(left - from, '\0');
    if (::pwrite(fd, nothing.data(), nothing.size(), static_cast<off_t>(from)) < 0)
      return SystemError("pwrite");
  }
  report.bytes_lost += size - left;
  return OkStatus();
}

Status RestoreFile(const std::string& path, const FileState& file, Random& chance,
                   PowerCutReport& report) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return SystemError("cannot open " + path);
  struct stat info {};
  ::fstat(fd, &info);
  const auto size = static_cast<uint64_t>(info.st_size);
  const bool overwritten = !file.old.empty() && chance.Chance(3, 4);
  Status status;
  if (size > file.safe) status = CutTail(fd, file.safe, size, chance, report);
  if (overwritten)
    for (auto old = file.old.rbegin(); old != file.old.rend(); ++old)
      (void)!::pwrite(fd, old->bytes.data(), old->bytes.size(), static_cast<off_t>(old->offset));
  bool spoilt = false;
  for (const auto& [begin, end] : file.spoilt) {
    const uint64_t until = std::min(end, file.safe);
    if (begin >= until) continue;
    spoilt = true;
    const std::string nothing(until - begin, '\0');
    (void)!::pwrite(fd, nothing.data(), nothing.size(), static_cast<off_t>(begin));
  }
  ::close(fd);
  report.files_cut += size > file.safe || overwritten || spoilt ? 1 : 0;
  return status;
}

// How many of the changes have reached the disk although nobody waited for it.
size_t Survivors(size_t count, Random& chance) {
  switch (chance.Below(4)) {
    case 0: return count;
    case 1: return chance.Below(count + 1);
    default: return 0;
  }
}

}  // namespace

Result<std::unique_ptr<ShimmedDisk>> ShimmedDisk::Make(std::string root, std::string except,
                                                       std::string side) {
  std::unique_ptr<ShimmedDisk> disk(new ShimmedDisk());
  disk->root_ = std::move(root);
  disk->except_ = std::move(except);
  disk->side_ = std::move(side);
  std::error_code error;
  fs::create_directories(disk->side_, error);
  if (error) return FailedPrecondition("cannot create " + disk->side_ + ": " + error.message());
  const std::string path = disk->side_ + "/" + kDiskControlName;
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return SystemError("cannot create " + path);
  if (::ftruncate(fd, sizeof(DiskControl)) != 0) return SystemError("cannot write " + path);
  void* const mapped =
      ::mmap(nullptr, sizeof(DiskControl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (mapped == MAP_FAILED) return SystemError("cannot map " + path);
  disk->control_ = static_cast<DiskControl*>(mapped);
  return disk;
}

ShimmedDisk::~ShimmedDisk() {
  if (control_ != nullptr) ::munmap(control_, sizeof(DiskControl));
}

std::map<std::string, std::string> ShimmedDisk::Environment(const std::string& library) const {
  return {{"LD_PRELOAD", library},
          {kDiskRootVariable, root_},
          {kDiskExceptVariable, except_},
          {kDiskSideVariable, side_}};
}

void ShimmedDisk::FailCall(DiskCall call, uint64_t n, int error, bool goes_on) {
  DiskControl::PerCall& counts = control_->calls[static_cast<int>(call)];
  counts.fail_at = 0;
  counts.armed = 0;
  counts.error = static_cast<uint64_t>(error);
  counts.goes_on = goes_on ? 1 : 0;
  counts.fail_at = n;
}

void ShimmedDisk::SetSyncDelay(int64_t micros) {
  control_->sync_delay_us = static_cast<uint64_t>(micros);
}

void ShimmedDisk::HangFor(int64_t micros) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  control_->hang_until_us =
      static_cast<uint64_t>(now.tv_sec * 1'000'000 + now.tv_nsec / 1000 + micros);
}

void ShimmedDisk::Lie(bool on) { control_->lies = on ? 1 : 0; }

void ShimmedDisk::Heal() {
  for (DiskControl::PerCall& counts : control_->calls) counts.fail_at = 0;
  control_->sync_delay_us = 0;
  control_->hang_until_us = 0;
}

uint64_t ShimmedDisk::made(DiskCall call) const {
  return control_->calls[static_cast<int>(call)].made;
}
uint64_t ShimmedDisk::failed(DiskCall call) const {
  return control_->calls[static_cast<int>(call)].failed;
}
uint64_t ShimmedDisk::holes() const { return control_->holes; }

Result<PowerCutReport> ShimmedDisk::CutPower(uint64_t seed) {
  Random chance(seed);
  const Journal journal = ReadJournal(side_ + "/" + kDiskJournalName);
  PowerCutReport report;
  const size_t survive = Survivors(journal.changes.size(), chance);
  for (size_t i = journal.changes.size(); i > survive; --i) {
    const FolderChange& change = journal.changes[i - 1];
    Undo(change, side_ + "/" + kDiskKeptPrefix + std::to_string(change.number));
    ++report.changes_lost;
  }
  // By name, so that a seed does the same again.
  std::set<std::string> paths;
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(root_, error);
       at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (error) return FailedPrecondition("cannot list " + root_ + ": " + error.message());
    if (at->path() == except_) at.disable_recursion_pending();
    if (at->is_regular_file(error)) paths.insert(at->path().string());
  }
  for (const std::string& path : paths) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) continue;
    const auto file = journal.files.find(info.st_ino);
    if (file == journal.files.end()) continue;
    if (Status status = RestoreFile(path, file->second, chance, report); !status.ok())
      return status;
  }
  EW_RETURN_IF_ERROR(Forget());
  return report;
}

Status ShimmedDisk::Forget() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(side_, error))
    if (entry.path().filename().string().starts_with(kDiskKeptPrefix))
      fs::remove(entry.path(), error);
  const std::string journal = side_ + "/" + kDiskJournalName;
  if (::truncate(journal.c_str(), 0) != 0 && errno != ENOENT)
    return SystemError("cannot empty " + journal);
  return OkStatus();
}

Result<std::string> FindDiskShim() {
  constexpr const char* kName = "libeverwrite_disk_shim.so";
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  const fs::path beside = program / kName;
  const fs::path installed = program.parent_path() / "lib" / "everwrite" / kName;
  for (const fs::path& path : {beside, installed})
    if (fs::exists(path, error)) return path.string();
  return NotFound("the disk shim is neither " + beside.string() + " nor " + installed.string() +
                  "; build it (ninja everwrite_disk_shim)");
}

}  // namespace everwrite::chaos
