// What the disk shim (shim.cc, inside the process that writes) and the one that commands it
// (shimmed_disk.h) share: a small file that both map, and the words of the shim's journal.
//
// Only plain memory and constants: the shim is loaded into programs that know nothing of us.
#pragma once

#include <atomic>
#include <cstdint>

namespace everwrite::chaos {

// The shim's environment: the folder it watches, a part of it that it leaves alone, and the folder
// for its journal, its control file and files that may have to come back (same file system).
inline constexpr char kDiskRootVariable[] = "EVERWRITE_DISK_ROOT";
inline constexpr char kDiskExceptVariable[] = "EVERWRITE_DISK_EXCEPT";
inline constexpr char kDiskSideVariable[] = "EVERWRITE_DISK_SIDE";

enum class DiskCall : uint32_t {
  kWrite,  // of bytes, and what makes, renames or cuts off a file
  kSync,
};
inline constexpr int kDiskCalls = 2;

struct DiskControl {
  struct PerCall {
    std::atomic<uint64_t> made;     // so many in all
    std::atomic<uint64_t> fail_at;  // the n-th of those counted in `armed` fails; 0: none
    std::atomic<uint64_t> armed;    // so many since fail_at was set
    std::atomic<uint64_t> failed;   // so many were refused
    std::atomic<uint64_t> error;    // an errno
    std::atomic<uint64_t> goes_on;  // not only the n-th: all from there on
  };
  PerCall calls[kDiskCalls];
  std::atomic<uint64_t> sync_delay_us;  // added to each sync
  std::atomic<uint64_t> hang_until_us;  // CLOCK_MONOTONIC: no write and no sync returns before
  std::atomic<uint64_t> lies;           // syncs do nothing and say yes
  std::atomic<uint64_t> holes;          // something wrote in a way that the shim cannot see
};

// The journal: records of a head and `bytes` of text or data. It is written with write(2) and so
// outlives the process, which is all that is asked: power cuts are played, not real.
enum class DiskRecord : uint32_t {
  kLength = 1,  // a = inode, b = its length that is safe: it was synced, or was there before us
  kOld,         // a = inode, b = offset: bytes that were safe and are about to be overwritten
  kSpoilt,      // a = inode, b = offset, c = end: a sync of these failed, they are lost
  // Changes of folders: a = number of the change, b = inode of the folder, text = path
  kMade,
  kMadeFolder,
  kRemoved,      // the file stands in the side folder under its number
  kRenamed,      // text = from, NUL, to; c = 1: what stood there is kept under the number
  kFolderSynced  // a = changes up to this number, b = inode of the folder: they are safe
};

struct DiskRecordHead {
  DiskRecord kind;
  uint32_t bytes;
  uint64_t a, b, c;
};

inline constexpr char kDiskJournalName[] = "journal";
inline constexpr char kDiskControlName[] = "control";
inline constexpr char kDiskKeptPrefix[] = "kept-";  // and the number of the change

}  // namespace everwrite::chaos
