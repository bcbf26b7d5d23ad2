#include "region/storage/data_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

namespace everwrite::storage {
namespace {

constexpr const char* kIdentityFile = "/everwrite.identity";
constexpr const char* kLockFile = "/everwrite.lock";
constexpr size_t kMaxIdentityBytes = 4096;

Status Refuse(const std::string& path, const std::string& why) {
  return FailedPrecondition("data folder " + path + ": " + why);
}
// What a user must mend, or the disk, which may answer the next time.
Status SystemError(const std::string& path, const std::string& doing) {
  const int error = errno;
  const std::string why = doing + ": " + std::strerror(error);
  if (error != EIO && error != ENOSPC && error != EDQUOT) return Refuse(path, why);
  return Unavailable("data folder " + path + ": " + why);
}

Status SyncFolder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemError(path, "cannot open for sync");
  const int result = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  errno = error;
  if (result != 0) return SystemError(path, "cannot sync");
  return OkStatus();
}

// mkdir -p, each level for its owner alone. What was made is synced where it lies, or a power cut
// may take it with all that was synced in it.
Status MakeFolders(const std::string& path) {
  for (size_t at = 1; at <= path.size(); ++at) {
    if (at != path.size() && path[at] != '/') continue;
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), 0700) != 0) {
      if (errno != EEXIST) return SystemError(path, "cannot create " + part);
      continue;
    }
    const size_t slash = part.find_last_of('/');
    EW_RETURN_IF_ERROR(SyncFolder(slash == std::string::npos ? "." : part.substr(0, slash + 1)));
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return SystemError(path, "cannot look at it");
  if (!S_ISDIR(info.st_mode)) return Refuse(path, "is not a folder");
  return OkStatus();
}

Result<int> Lock(const std::string& path) {
  const std::string file = path + kLockFile;
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return SystemError(path, "cannot open " + file);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    char holder[32] = {};
    const ssize_t size = ::pread(fd, holder, sizeof(holder) - 1, 0);
    std::string_view pid(holder, size > 0 ? static_cast<size_t>(size) : 0);
    while (!pid.empty() && pid.back() == '\n') pid.remove_suffix(1);
    ::close(fd);
    return Refuse(path, "is in use by another process (pid " + std::string(pid) +
                            "); stop it, or give this region a folder of its own");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  // The number only helps people; a lock whose text could not be written still holds.
  if (::ftruncate(fd, 0) == 0) (void)!::pwrite(fd, pid.data(), pid.size(), 0);
  return fd;
}

Status WriteIdentity(const std::string& path, const FolderIdentity& identity) {
  const std::string text = "everwrite data folder; do not edit\nformat " +
                           std::to_string(kDataFormat) + "\ncluster " + identity.cluster +
                           "\nregion " + std::to_string(identity.region.value) + "\nname " +
                           identity.region_name + "\n";
  const std::string final_name = path + kIdentityFile;
  const std::string temporary = final_name + ".tmp";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return SystemError(path, "cannot create " + temporary);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  if (!written) {
    errno = error;
    return SystemError(path, "cannot write " + temporary);
  }
  if (::rename(temporary.c_str(), final_name.c_str()) != 0) {
    return SystemError(path, "cannot rename " + temporary);
  }
  return SyncFolder(path);
}

// Nothing when the file is not there.
Result<std::optional<std::string>> ReadIdentity(const std::string& path) {
  const std::string file = path + kIdentityFile;
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return std::optional<std::string>();
    return SystemError(path, "cannot read " + file);
  }
  std::string text(kMaxIdentityBytes, '\0');
  const ssize_t size = ::read(fd, text.data(), text.size());
  const int error = errno;
  ::close(fd);
  if (size < 0) {
    errno = error;
    return SystemError(path, "cannot read " + file);
  }
  text.resize(static_cast<size_t>(size));
  return std::optional<std::string>(std::move(text));
}

// The rest of the line that begins with `name` and a space.
std::optional<std::string_view> Field(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;  // an unfinished line is no line
    const std::string_view line = text.substr(0, end);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ' ') {
      return line.substr(name.size() + 1);
    }
    text.remove_prefix(end + 1);
  }
  return std::nullopt;
}

std::optional<int> Number(std::optional<std::string_view> text) {
  int value = 0;
  if (!text || text->empty()) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

Status CheckIdentity(const std::string& path, std::string_view text,
                     const FolderIdentity& identity) {
  const auto format = Number(Field(text, "format"));
  const auto region = Number(Field(text, "region"));
  const auto cluster = Field(text, "cluster");
  if (!format || !region || !cluster) {
    return DataLoss(
        "data folder " + path +
        ": everwrite.identity cannot be understood; the folder is damaged. Rebuild this "
        "region from a peer: move the folder away and start it again");
  }
  if (*format != kDataFormat) {
    return Refuse(path, "has data format " + std::to_string(*format) + ", this program reads " +
                            std::to_string(kDataFormat));
  }
  if (*cluster != identity.cluster) {
    return Refuse(path, "belongs to cluster '" + std::string(*cluster) + "', not to '" +
                            identity.cluster + "'");
  }
  if (*region != identity.region.value) {
    const auto name = Field(text, "name");
    return Refuse(path, "belongs to region " + std::to_string(*region) + " (" +
                            std::string(name.value_or("?")) + "), not to region " +
                            std::to_string(identity.region.value) + " (" + identity.region_name +
                            "); give each region its own folder");
  }
  return OkStatus();
}

Result<bool> CheckOrWriteIdentity(const std::string& path, const FolderIdentity& identity) {
  EW_ASSIGN_OR_RETURN(const std::optional<std::string> text, ReadIdentity(path));
  if (text.has_value()) {
    EW_RETURN_IF_ERROR(CheckIdentity(path, *text, identity));
    return false;
  }
  struct stat info {};
  if (::stat((path + "/db").c_str(), &info) == 0) {
    return Refuse(path,
                  "holds a database but no everwrite.identity, so nobody can say whose it is; "
                  "move it away, or restore the file");
  }
  EW_RETURN_IF_ERROR(WriteIdentity(path, identity));
  return true;
}

}  // namespace

Result<DataFolder> DataFolder::Open(const std::string& path, const FolderIdentity& identity) {
  EW_RETURN_IF_ERROR(MakeFolders(path));
  EW_ASSIGN_OR_RETURN(const int lock_fd, Lock(path));
  DataFolder folder(path, lock_fd, false);
  EW_ASSIGN_OR_RETURN(folder.created_, CheckOrWriteIdentity(path, identity));
  return folder;
}

DataFolder::DataFolder(DataFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_fd_(other.lock_fd_), created_(other.created_) {
  other.lock_fd_ = -1;
}

DataFolder& DataFolder::operator=(DataFolder&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_fd_, other.lock_fd_);
  std::swap(created_, other.created_);
  return *this;
}

DataFolder::~DataFolder() {
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

}  // namespace everwrite::storage
