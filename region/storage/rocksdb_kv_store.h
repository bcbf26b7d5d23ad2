// KvStore over RocksDB, embedded: where a region's data is on disk.
//
// One RocksDB with one column family for each ColumnFamily (and RocksDB's own default, left empty):
//   items    LZ4, bloom filters of 10 bits a key: point reads of absent keys cost no block
//   indexes  LZ4
//   changes  not compressed: appended in order, read once, trimmed by DeleteRange
//   ledger, system   LZ4; small
// One block cache for all. Nothing of RocksDB is seen outside this module's .cc.
//
// Durability. The write-ahead log is recovered with kTolerateCorruptedTailRecords: a torn tail,
// which a power cut leaves, is cut off, while RocksDB's default mode (kPointInTimeRecovery) would
// silently drop acknowledged writes behind a flipped bit. Any other damage refuses to open, as
// kDataLoss with what RocksDB said: the region is then to be rebuilt from a peer. So does a
// MANIFEST that has lost its end, which RocksDB would take for an older database (manifest_note.h).
//
// After a Write or SyncLog that failed, what is on disk is unknown, so that every later one fails
// with the same status until the process is restarted. Reads go on. A store that failed is not
// closed but left to the end of the process: Debian's RocksDB is built with assertions, and one of
// them stops a process that touches a log file after an error.
//
// Thread-safety: as the port asks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/kv_store.h"
#include "base/log.h"

namespace everwrite::storage {

struct RocksDbOptions {
  uint64_t block_cache_bytes = 64ULL << 20;
  // One memtable of the items and changes families; the others get a quarter. Memory is taken as it
  // fills, in steps of 1 MB.
  uint64_t write_buffer_bytes = 64ULL << 20;
  // Any number, another one in each region: memtables are so much smaller (of 0 to 3 eighths) that
  // regions, which all write the same, do not flush theirs in the same second.
  uint32_t stagger = 0;
  // The write-ahead log is kept under this by flushing the family that holds its oldest file.
  uint64_t max_wal_bytes = 256ULL << 20;
  int max_open_files = 1000;
  // Files that are no longer needed are cut away so fast, as NAME.trash, and not at once; what is
  // left when the store closes goes after the next opening. 0: at once.
  uint64_t delete_bytes_per_second = 256ULL << 20;
  // Gets RocksDB's own warnings and errors.
  Logger log;
};

// Figures for metrics; from RocksDB's own properties, cheap enough for every scrape.
struct RocksDbStats {
  uint64_t memtable_bytes = 0;
  uint64_t block_cache_bytes = 0;
  uint64_t table_file_bytes = 0;
  uint64_t pending_compaction_bytes = 0;
  bool writes_stopped = false;  // RocksDB itself refuses or stalls writes
};

// A file of rows on disk.
struct TableFile {
  uint64_t number = 0;  // never given again
  std::string path;
  uint64_t bytes = 0;
};

class RocksDbKvStore : public KvStore {
 public:
  // Opens or creates the database in folder `path` (created when missing, its parent must exist).
  // kDataLoss: damaged, rebuild from a peer. kFailedPrecondition: in use by another process or not
  // accessible. The caller keeps one process per folder (data_folder.h).
  static Result<std::unique_ptr<RocksDbKvStore>> Open(const std::string& path,
                                                      const RocksDbOptions& options);
  ~RocksDbKvStore() override;

  Result<bool> Get(ColumnFamily family, std::string_view key, std::string* value,
                   const KvSnapshot* snapshot = nullptr) const override;
  std::unique_ptr<KvIterator> NewIterator(ColumnFamily family, KvRange range,
                                          const KvSnapshot* snapshot = nullptr) const override;
  std::unique_ptr<KvSnapshot> TakeSnapshot() const override;
  Status Write(const KvBatch& batch, Sync sync) override;
  Status SyncLog() override;
  uint64_t ApproximateBytes(ColumnFamily family, const KvRange& range) const override;

  RocksDbStats Stats() const;
  // Those that make up the database now, by number.
  std::vector<TableFile> TableFiles() const;

 private:
  struct Rep;
  explicit RocksDbKvStore(std::unique_ptr<Rep> rep);
  Status Fail(Status status);

  std::unique_ptr<Rep> rep_;
};

// Reads the whole file from the disk, past the system's cache where the file system can, and holds
// each block against its checksum. kDataLoss: damaged. kNotFound: it is gone. kUnavailable: the
// disk does not answer. Takes as long as reading it.
Status VerifyTableFile(const TableFile& file);

}  // namespace everwrite::storage
