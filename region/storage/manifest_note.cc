#include "region/storage/manifest_note.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/coding.h"

namespace everwrite::storage {
namespace {

constexpr const char* kNoteFile = "/everwrite.manifest";
constexpr std::string_view kFormat = "everwrite manifest 1 ";
constexpr std::string_view kManifestPrefix = "MANIFEST-";
constexpr size_t kMaxFileBytes = 256;  // of a note, and of CURRENT

Status DiskError(const std::string& doing) {
  return Unavailable("storage: " + doing + ": " + std::strerror(errno));
}

// Nothing when the file is not there.
Result<std::optional<std::string>> ReadSmall(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return std::optional<std::string>();
    return DiskError("cannot open " + file);
  }
  std::string text(kMaxFileBytes, '\0');
  const ssize_t size = ::read(fd, text.data(), text.size());
  const int error = errno;
  ::close(fd);
  errno = error;
  if (size < 0) return DiskError("cannot read " + file);
  text.resize(static_cast<size_t>(size));
  return std::optional<std::string>(std::move(text));
}

// Takes the number that `text` begins with, and the one character behind it.
std::optional<uint64_t> TakeNumber(std::string_view& text, char end) {
  uint64_t number = 0;
  const auto [behind, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || behind == text.data() + text.size() || *behind != end) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<size_t>(behind + 1 - text.data()));
  return number;
}

std::string HashOf(std::string_view text) {
  std::string hash;
  PutFixed64(hash, Hash64(text));
  return ToHex(hash) + "\n";
}

std::string Encode(ManifestLength length) {
  std::string text(kFormat);
  text += std::to_string(length.number) + " " + std::to_string(length.bytes) + " ";
  return text + HashOf(text);
}

std::optional<ManifestLength> Decode(std::string_view whole) {
  std::string_view text = whole;
  if (!text.starts_with(kFormat)) return std::nullopt;
  text.remove_prefix(kFormat.size());
  const auto number = TakeNumber(text, ' ');
  const auto bytes = number ? TakeNumber(text, ' ') : std::nullopt;
  if (!bytes || text != HashOf(whole.substr(0, whole.size() - text.size()))) return std::nullopt;
  return ManifestLength{*number, *bytes};
}

std::string NameOf(uint64_t number) {
  char name[40];
  std::snprintf(name, sizeof name, "MANIFEST-%06llu", static_cast<unsigned long long>(number));
  return name;
}

}  // namespace

Status ManifestNote::Check() const {
  EW_ASSIGN_OR_RETURN(const std::optional<std::string> note, ReadSmall(folder_ + kNoteFile));
  if (!note) return OkStatus();
  const auto noted = Decode(*note);
  if (!noted) return DataLoss("everwrite.manifest cannot be understood");
  EW_ASSIGN_OR_RETURN(const std::optional<std::string> current, ReadSmall(folder_ + "/CURRENT"));
  if (!current) return DataLoss("CURRENT is missing");
  std::string_view named(*current);
  if (!named.starts_with(kManifestPrefix)) return OkStatus();  // RocksDB knows what to say
  named.remove_prefix(kManifestPrefix.size());
  const auto number = TakeNumber(named, '\n');
  if (!number || *number > noted->number) return OkStatus();
  if (*number < noted->number) {
    return DataLoss("CURRENT names " + NameOf(*number) + ", and had named " +
                    NameOf(noted->number));
  }
  struct stat info {};
  const std::string manifest = folder_ + "/" + NameOf(*number);
  if (::stat(manifest.c_str(), &info) != 0) {
    if (errno != ENOENT) return DiskError("cannot look at " + manifest);
    return DataLoss(NameOf(*number) + " is missing");
  }
  const auto bytes = static_cast<uint64_t>(info.st_size);
  if (bytes >= noted->bytes) return OkStatus();
  return DataLoss(NameOf(*number) + " has lost its end: it has " + std::to_string(bytes) +
                  " bytes, and had " + std::to_string(noted->bytes));
}

Status ManifestNote::Raise(ManifestLength length) {
  const std::lock_guard lock(mutex_);
  if (length.number < noted_.number ||
      (length.number == noted_.number && length.bytes <= noted_.bytes)) {
    return OkStatus();
  }
  const std::string file = folder_ + kNoteFile;
  const std::string temporary = file + ".tmp";
  const std::string text = Encode(length);
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return DiskError("cannot create " + temporary);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  errno = error;
  if (!written) return DiskError("cannot write " + temporary);
  if (::rename(temporary.c_str(), file.c_str()) != 0)
    return DiskError("cannot rename " + temporary);
  noted_ = length;
  return OkStatus();
}

}  // namespace everwrite::storage
