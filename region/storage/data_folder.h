// A region's data folder: who it belongs to, and that one process has it.
//
//   FOLDER/everwrite.identity   cluster, region and format, in plain text; written once
//   FOLDER/everwrite.lock       locked (flock) while a process uses the folder; names its pid
//   FOLDER/db/                  RocksDB
//
// The identity is written to a temporary file, synced, renamed and the folder synced, before
// anything else is put there: a folder with a database but without an identity was never made by a
// start that got past this point, and is refused. So is the folder of another region or cluster:
// its change log would be taken for this region's own.
//
// Thread-safety: a value that is moved, not shared. The lock ends with the object or the process.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"
#include "base/result.h"

namespace everwrite::storage {

constexpr int kDataFormat = 1;

struct FolderIdentity {
  std::string cluster;
  RegionId region;
  std::string region_name;  // for people; the id decides
};

class DataFolder {
 public:
  // Creates the folder (and its parents, for the owner alone) when it is missing. All errors are
  // kFailedPrecondition or, for an identity that cannot be understood, kDataLoss, with a message
  // that names the folder and what to do.
  static Result<DataFolder> Open(const std::string& path, const FolderIdentity& identity);

  DataFolder(DataFolder&& other) noexcept;
  DataFolder& operator=(DataFolder&& other) noexcept;
  ~DataFolder();

  const std::string& path() const { return path_; }
  std::string database_path() const { return path_ + "/db"; }
  // True when this start wrote the identity: there was nothing here before.
  bool created() const { return created_; }

 private:
  DataFolder(std::string path, int lock_fd, bool created)
      : path_(std::move(path)), lock_fd_(lock_fd), created_(created) {}
  std::string path_;
  int lock_fd_ = -1;
  bool created_ = false;
};

}  // namespace everwrite::storage
