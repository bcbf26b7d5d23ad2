// A disk that can be spoilt: commands the shim (shim.cc) that stands between a process and the
// files of one folder, and plays power cuts when the process has ended.
//
// A power cut takes every file back to what was synced, and undoes what was done to folders and not
// synced. Between that and "all of it reached the disk after all" chance decides with a seed: of a
// tail that was not synced nothing, a part, all, or a part that ends in zeros may be left; of the
// changes of folders a first part of them in their order, as journals of file systems keep it.
//
// Thread-safety: none but that of the control file: the process may run while faults are set.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "chaos/disk_shim/disk_control.h"

namespace everwrite::chaos {

struct PowerCutReport {
  uint64_t files_cut = 0;     // shorter or older than they were
  uint64_t bytes_lost = 0;    // of their tails
  uint64_t changes_lost = 0;  // files made, renamed and removed
};

class ShimmedDisk {
 public:
  // `root` is watched, but for `except` in it; `side` is made, and must be on the same file system.
  // Absolute paths. kFailedPrecondition.
  static Result<std::unique_ptr<ShimmedDisk>> Make(std::string root, std::string except,
                                                   std::string side);
  ~ShimmedDisk();
  ShimmedDisk(const ShimmedDisk&) = delete;
  ShimmedDisk& operator=(const ShimmedDisk&) = delete;

  // What a process must be started with.
  std::map<std::string, std::string> Environment(const std::string& library) const;

  // The n-th call from now fails, and all after it too if it `goes_on`.
  void FailCall(DiskCall call, uint64_t n, int error, bool goes_on);
  void SetSyncDelay(int64_t micros);
  void HangFor(int64_t micros);
  void Lie(bool on);
  // No errors, no delay, no hang; a liar stays one.
  void Heal();

  uint64_t made(DiskCall call) const;
  uint64_t failed(DiskCall call) const;
  // What the shim could not see: power cuts would not take it back.
  uint64_t holes() const;

  // The next two when the process has ended. After them everything that is there is safe.
  Result<PowerCutReport> CutPower(uint64_t seed);
  // The folder was changed by others: what the book says of it means nothing any more.
  Status Forget();

 private:
  ShimmedDisk() = default;
  std::string root_, except_, side_;
  DiskControl* control_ = nullptr;
};

// The shim beside this program, or where an installation puts it; kNotFound names both.
Result<std::string> FindDiskShim();

}  // namespace everwrite::chaos
