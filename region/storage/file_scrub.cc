#include "region/storage/file_scrub.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/named_thread.h"

namespace everwrite::storage {

FileScrub::FileScrub(const RocksDbKvStore& store, FileScrubOptions options, OnDamage on_damage)
    : store_(store),
      options_(options),
      on_damage_(std::move(on_damage)),
      thread_(NamedThread("scrub", [this] { Run(); })) {}

FileScrub::~FileScrub() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool FileScrub::Sleep(int64_t micros) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, std::chrono::microseconds(micros), [this] { return stopping_; });
}

void FileScrub::Run() {
  for (;;) {
    const auto begun = std::chrono::steady_clock::now();
    for (const TableFile& file : store_.TableFiles()) {
      Look(file);
      const double pause = static_cast<double>(file.bytes) * kMicrosPerSecond /
                           static_cast<double>(options_.bytes_per_second);
      if (!Sleep(static_cast<int64_t>(pause))) return;
    }
    ++passes_;
    const int64_t took = std::chrono::duration_cast<std::chrono::microseconds>(
                             std::chrono::steady_clock::now() - begun)
                             .count();
    if (!Sleep(std::max<int64_t>(0, options_.pass_every_us - took))) return;
  }
}

void FileScrub::Look(const TableFile& file) {
  const Status found = VerifyTableFile(file);
  if (found.ok()) {
    bytes_ += file.bytes;
  } else if (found.code() == StatusCode::kDataLoss && told_.insert(file.number).second) {
    ++damaged_;
    on_damage_(file, found);
  }
  // Else it is gone, rows and all, into another file; or the disk does not answer, which writes
  // will tell.
}

}  // namespace everwrite::storage
