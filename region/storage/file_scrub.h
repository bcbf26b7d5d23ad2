// Reads the files of rows from the disk again and holds each block against its checksum.
//
// RocksDB checks a block when it reads it. What nobody reads rots unseen: an old change that a peer
// may ask for in a month, a table's cold half. The convergence guard reads rows again, of items
// alone and through the system's page cache. This goes past it, through every file, once at the
// start (a file may have been damaged while nobody ran) and then once a day, at a bounded rate.
//
// A damaged file is told once. Nothing is mended here: rows of it that are asked for give errors,
// never wrong bytes, and the region is to be rebuilt from a peer (docs/operations.md).
//
// Threads: one of its own, from the constructor to the destructor, which waits for at most one
// file. figures(): any thread. `on_damage` is called on that thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/result.h"
#include "region/storage/rocksdb_kv_store.h"

namespace everwrite::storage {

struct FileScrubOptions {
  uint64_t bytes_per_second = 8ULL << 20;                // above 0
  int64_t pass_every_us = 24 * 3600 * kMicrosPerSecond;  // from begin to begin, at the least
};

class FileScrub {
 public:
  // `what`: kDataLoss, which says what is wrong with it.
  using OnDamage = std::function<void(const TableFile& file, const Status& what)>;
  // `store` outlives it.
  FileScrub(const RocksDbKvStore& store, FileScrubOptions options, OnDamage on_damage);
  ~FileScrub();

  struct Figures {
    uint64_t bytes = 0;    // read again and found well
    uint64_t damaged = 0;  // files
    uint64_t passes = 0;   // that have come to their end
  };
  Figures figures() const { return {bytes_, damaged_, passes_}; }

 private:
  void Run();
  void Look(const TableFile& file);
  // False: it is time to end.
  bool Sleep(int64_t micros);

  const RocksDbKvStore& store_;
  const FileScrubOptions options_;
  const OnDamage on_damage_;
  std::set<uint64_t> told_;  // numbers of damaged files; its thread's
  std::atomic<uint64_t> bytes_{0}, damaged_{0}, passes_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // under mutex_
  std::thread thread_;
};

}  // namespace everwrite::storage
