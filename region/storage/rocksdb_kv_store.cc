#include "region/storage/rocksdb_kv_store.h"

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/sst_file_manager.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <vector>

#include "region/storage/manifest_note.h"

namespace everwrite::storage {
namespace {

using rocksdb::Slice;

// The names are on disk: never changed, and in the order of ColumnFamily.
constexpr const char* kFamilyNames[kColumnFamilyCount] = {"items",  "indexes", "changes",
                                                          "ledger", "system",  "streams"};
// Superfluous files are cut away in pieces of so much ...
constexpr uint64_t kDeletePieceBytes = 4U << 20;
// ... as long as no more than so many times the live files waits; beyond it they go at once.
constexpr double kTrashOfLiveMax = 1.0;
// A thread's write batch that grew beyond this gives its memory back.
constexpr size_t kKeptBatchBytes = 4U << 20;

Slice ToSlice(std::string_view text) { return Slice(text.data(), text.size()); }
std::string_view ToView(const Slice& slice) { return {slice.data(), slice.size()}; }

Status ToStatus(const rocksdb::Status& status, const char* doing) {
  if (status.ok()) return OkStatus();
  const std::string message = std::string("storage: ") + doing + ": " + status.ToString();
  if (status.IsCorruption()) return DataLoss(message);
  if (status.IsNoSpace()) return ResourceExhausted(message);
  return Unavailable(message);
}

Status Damaged(const std::string& path, const std::string& why) {
  return DataLoss("the database in " + path +
                  " is damaged and was not opened; nothing was changed. Rebuild this region from a "
                  "peer: move its data folder away and start it again. " +
                  why);
}

Status OpenError(const rocksdb::Status& status, const std::string& path) {
  const std::string said = status.ToString();
  if (status.IsIOError() && said.find("lock") != std::string::npos) {
    return FailedPrecondition("the database in " + path + " is in use by another process (" + said +
                              ")");
  }
  if (status.IsIOError() && said.find("No such file") == std::string::npos) {
    const std::string message = "the database in " + path + " cannot be accessed (" + said + ")";
    // What a user must mend; anything else is the disk, which may answer the next time.
    return said.find("Permission denied") != std::string::npos ? FailedPrecondition(message)
                                                               : Unavailable(message);
  }
  return Damaged(path, "RocksDB said: " + said);
}

Status SyncParent(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (synced) return OkStatus();
  return Unavailable("cannot sync folder " + parent + ": " + std::strerror(error));
}

// RocksDB's messages as lines of our own log. Its file logger is not used for one more reason: when
// the disk is full, the second line that cannot be written fails an assertion and ends the process.
class InfoLog : public rocksdb::Logger {
 public:
  explicit InfoLog(everwrite::Logger log)
      : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), log_(std::move(log)) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    Logv(rocksdb::InfoLogLevel::INFO_LEVEL, format, arguments);
  }
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < rocksdb::InfoLogLevel::WARN_LEVEL || level > rocksdb::InfoLogLevel::FATAL_LEVEL)
      return;
    const LogLevel ours =
        level == rocksdb::InfoLogLevel::WARN_LEVEL ? LogLevel::kWarning : LogLevel::kError;
    if (!log_.Enabled(ours)) return;
    char text[1024];
    std::vsnprintf(text, sizeof(text), format, arguments);
    log_.Log(ours, text);
  }

 private:
  const everwrite::Logger log_;
};

// Notes the length of the MANIFEST whenever a flush or a compaction is in it, which RocksDB tells
// before it removes the files that it took the place of.
class ManifestWatch : public rocksdb::EventListener {
 public:
  ManifestWatch(const std::string& folder, everwrite::Logger log)
      : note_(folder), log_(std::move(log)) {}
  void OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo&) override { Look(db); }
  void OnCompactionCompleted(rocksdb::DB* db, const rocksdb::CompactionJobInfo&) override {
    Look(db);
  }
  Status Check() const { return note_.Check(); }
  // A note that could not be written is an older one, which claims less: no reason to stop.
  void Look(rocksdb::DB* db) {
    static constexpr std::string_view kManifest = "/MANIFEST-";
    std::vector<std::string> files;
    ManifestLength length;
    // Under RocksDB's lock, and so a length that it has synced.
    if (!db->GetLiveFiles(files, &length.bytes, false).ok()) return;
    for (const std::string& file : files) {
      if (!file.starts_with(kManifest)) continue;
      const char* const digits = file.data() + kManifest.size();
      std::from_chars(digits, file.data() + file.size(), length.number);
    }
    const Status noted = note_.Raise(length);
    if (!noted.ok()) log_.Log(LogLevel::kWarning, noted.message());
  }

 private:
  ManifestNote note_;
  const everwrite::Logger log_;
};

rocksdb::DBOptions MakeDbOptions(const RocksDbOptions& options) {
  rocksdb::DBOptions db;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  db.max_background_jobs = 2;
  db.max_total_wal_size = options.max_wal_bytes;
  db.max_open_files = options.max_open_files;
  db.bytes_per_sync = 1U << 20;
  db.max_bgerror_resume_count = 0;  // an error stays: see the header
  db.info_log = std::make_shared<InfoLog>(options.log.Named("rocksdb"));
  // Where the file system tells the disk what is free (discard), a file that goes keeps the disk
  // busy as long as it was large, and every sync waits: logs and tables of 300 to 480 MB that went
  // together after a compaction took 0.1 to 0.2 s.
  db.sst_file_manager.reset(rocksdb::NewSstFileManager(
      rocksdb::Env::Default(), db.info_log, /*trash_dir=*/"",
      static_cast<int64_t>(options.delete_bytes_per_second), /*delete_existing_trash=*/true,
      /*status=*/nullptr, kTrashOfLiveMax, kDeletePieceBytes));
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  return db;
}

// Keys of changes come in their order (log, number): an insertion starts where the last one of the
// log ended. RocksDB 7.8 keeps one such place a prefix for two lists, the keys' and that of range
// deletions, and a place of the one used in the other breaks the memory of both. So the keys at
// which range deletions begin, which are of number 0, are told to have no prefix.
class LogHint : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "everwrite.LogHint"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return rocksdb::Slice(key.data(), kLogBytes);
  }
  bool InDomain(const rocksdb::Slice& key) const override {
    static constexpr char kZero[8] = {};
    return key.size() == 2 * kLogBytes &&
           std::memcmp(key.data() + kLogBytes, kZero, sizeof kZero) != 0;
  }

 private:
  static constexpr size_t kLogBytes = 8;
};

rocksdb::ColumnFamilyOptions MakeFamilyOptions(ColumnFamily family, const RocksDbOptions& options,
                                               const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 8 * 1024;
  table.format_version = 5;
  // Index and filter blocks stay with their open files, not in the cache: a get spares two look-ups
  // (about a tenth of its time), and max_open_files bounds them at some 0.4 MB a file.
  table.cache_index_and_filter_blocks = false;

  rocksdb::ColumnFamilyOptions cf;
  cf.write_buffer_size = options.write_buffer_bytes / 8 * (8 - options.stagger % 4);
  cf.compression = rocksdb::kLZ4Compression;
  switch (family) {
    case ColumnFamily::kItems:
      table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
      cf.optimize_filters_for_hits = false;  // conditional puts ask for keys that are not there
      break;
    case ColumnFamily::kChanges:
      cf.compression = rocksdb::kNoCompression;
      table.block_size = 32 * 1024;  // read in runs
      cf.memtable_insert_with_hint_prefix_extractor = std::make_shared<LogHint>();
      cf.write_buffer_size -= cf.write_buffer_size / 16;  // fills as fast as the items'
      break;
    case ColumnFamily::kStreams:
      table.block_size = 32 * 1024;  // read in runs
      break;
    case ColumnFamily::kIndexes:
    case ColumnFamily::kLedger:
    case ColumnFamily::kSystem: cf.write_buffer_size /= 4; break;
  }
  cf.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return cf;
}

class RocksSnapshot : public KvSnapshot {
 public:
  explicit RocksSnapshot(rocksdb::DB* db) : db_(db), snapshot_(db->GetSnapshot()) {}
  ~RocksSnapshot() override { db_->ReleaseSnapshot(snapshot_); }
  const rocksdb::Snapshot* get() const { return snapshot_; }

 private:
  rocksdb::DB* const db_;
  const rocksdb::Snapshot* const snapshot_;
};

rocksdb::ReadOptions MakeReadOptions(const KvSnapshot* snapshot) {
  rocksdb::ReadOptions read;
  if (snapshot != nullptr) read.snapshot = static_cast<const RocksSnapshot*>(snapshot)->get();
  return read;
}

class RocksIterator : public KvIterator {
 public:
  RocksIterator(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family, KvRange range,
                const KvSnapshot* snapshot)
      : range_(std::move(range)), begin_(range_.begin), end_(range_.end) {
    // RocksDB asserts that bounds are ordered; a range that is turned around is simply empty.
    empty_ = !range_.end.empty() && range_.end <= range_.begin;
    if (empty_) return;
    rocksdb::ReadOptions read = MakeReadOptions(snapshot);
    read.total_order_seek = true;
    if (!range_.begin.empty()) read.iterate_lower_bound = &begin_;
    if (!range_.end.empty()) read.iterate_upper_bound = &end_;
    it_.reset(db->NewIterator(read, family));
  }

  bool Valid() const override { return !empty_ && it_->Valid(); }
  void Seek(std::string_view key) override {
    if (!empty_) it_->Seek(ToSlice(key));
  }
  void SeekForPrev(std::string_view key) override {
    if (!empty_) it_->SeekForPrev(ToSlice(key));
  }
  void Next() override { it_->Next(); }
  void Prev() override { it_->Prev(); }
  std::string_view key() const override { return ToView(it_->key()); }
  std::string_view value() const override { return ToView(it_->value()); }
  Status status() const override { return empty_ ? OkStatus() : ToStatus(it_->status(), "scan"); }

 private:
  const KvRange range_;  // what the bounds point into
  const Slice begin_;
  const Slice end_;
  bool empty_ = false;
  std::unique_ptr<rocksdb::Iterator> it_;
};

}  // namespace

struct RocksDbKvStore::Rep {
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<ManifestWatch> watch;
  std::unique_ptr<rocksdb::DB> db;
  rocksdb::ColumnFamilyHandle* families[kColumnFamilyCount] = {};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;  // all, to be given back

  std::atomic<bool> failed{false};
  mutable std::mutex mutex;
  Status failure;  // the first; under `mutex`

  rocksdb::ColumnFamilyHandle* family(ColumnFamily family) const {
    return families[static_cast<size_t>(family)];
  }
  Status Failure() const {
    const std::lock_guard lock(mutex);
    return failure;
  }
};

RocksDbKvStore::RocksDbKvStore(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}

RocksDbKvStore::~RocksDbKvStore() {
  if (rep_->failed.load(std::memory_order_acquire)) {
    // See the header. Reachable for ever, so that a leak checker can tell intent from accident.
    static std::mutex mutex;
    static auto* const left = new std::vector<std::unique_ptr<Rep>>;
    const std::lock_guard lock(mutex);
    left->push_back(std::move(rep_));
    return;
  }
  // What ends while it is told to stop is not told to the watch, and closing removes files.
  rocksdb::CancelAllBackgroundWork(rep_->db.get(), true);
  rep_->watch->Look(rep_->db.get());
  for (rocksdb::ColumnFamilyHandle* handle : rep_->handles) {
    rep_->db->DestroyColumnFamilyHandle(handle);
  }
  // Memtables stay in the log: closing without a flush is quick, and the next start reads them
  // back.
  rep_->db->Close();
}

Result<std::unique_ptr<RocksDbKvStore>> RocksDbKvStore::Open(const std::string& path,
                                                             const RocksDbOptions& options) {
  auto rep = std::make_unique<Rep>();
  rep->cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  rocksdb::ColumnFamilyOptions unused =
      MakeFamilyOptions(ColumnFamily::kSystem, options, rep->cache);
  descriptors.emplace_back(rocksdb::kDefaultColumnFamilyName, unused);
  for (int i = 0; i < kColumnFamilyCount; ++i) {
    descriptors.emplace_back(kFamilyNames[i],
                             MakeFamilyOptions(static_cast<ColumnFamily>(i), options, rep->cache));
  }
  // RocksDB would make it too, but not before it has reported an error about it; and it would not
  // sync what it lies in: without that a power cut may take the folder with all that was synced in
  // it.
  if (::mkdir(path.c_str(), 0700) == 0) EW_RETURN_IF_ERROR(SyncParent(path));
  rep->watch = std::make_shared<ManifestWatch>(path, options.log.Named("storage"));
  if (const Status found = rep->watch->Check(); !found.ok()) {
    return found.code() == StatusCode::kDataLoss ? Damaged(path, found.message()) : found;
  }
  rocksdb::DBOptions db_options = MakeDbOptions(options);
  db_options.listeners.push_back(rep->watch);
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(db_options, path, descriptors, &rep->handles, &db);
  if (!status.ok()) return OpenError(status, path);
  rep->db.reset(db);
  rep->watch->Look(db);
  for (int i = 0; i < kColumnFamilyCount; ++i) rep->families[i] = rep->handles[i + 1];
  return std::unique_ptr<RocksDbKvStore>(new RocksDbKvStore(std::move(rep)));
}

Result<bool> RocksDbKvStore::Get(ColumnFamily family, std::string_view key, std::string* value,
                                 const KvSnapshot* snapshot) const {
  const rocksdb::Status status =
      rep_->db->Get(MakeReadOptions(snapshot), rep_->family(family), ToSlice(key), value);
  if (status.IsNotFound()) return false;
  if (!status.ok()) return ToStatus(status, "get");
  return true;
}

std::unique_ptr<KvIterator> RocksDbKvStore::NewIterator(ColumnFamily family, KvRange range,
                                                        const KvSnapshot* snapshot) const {
  return std::make_unique<RocksIterator>(rep_->db.get(), rep_->family(family), std::move(range),
                                         snapshot);
}

std::unique_ptr<KvSnapshot> RocksDbKvStore::TakeSnapshot() const {
  return std::make_unique<RocksSnapshot>(rep_->db.get());
}

Status RocksDbKvStore::Fail(Status status) {
  const std::lock_guard lock(rep_->mutex);
  if (rep_->failure.ok()) rep_->failure = status;
  rep_->failed.store(true, std::memory_order_release);
  return status;
}

Status RocksDbKvStore::Write(const KvBatch& batch, Sync sync) {
  if (rep_->failed.load(std::memory_order_acquire)) return rep_->Failure();
  if (batch.empty()) return sync == Sync::kYes ? SyncLog() : OkStatus();
  // One batch a thread, reused: its buffer grows to what the committer writes and stays.
  thread_local rocksdb::WriteBatch writes;
  writes.Clear();
  rocksdb::Status status;
  batch.ForEach(
      [&](KvBatch::Kind kind, ColumnFamily family, std::string_view key, std::string_view value) {
        rocksdb::ColumnFamilyHandle* handle = rep_->family(family);
        rocksdb::Status added;
        switch (kind) {
          case KvBatch::Kind::kPut: added = writes.Put(handle, ToSlice(key), ToSlice(value)); break;
          case KvBatch::Kind::kDelete: added = writes.Delete(handle, ToSlice(key)); break;
          case KvBatch::Kind::kDeleteRange:
            // An empty or inverted range deletes nothing; RocksDB would refuse it at flush.
            CHECK(family != ColumnFamily::kChanges || !LogHint().InDomain(ToSlice(key)),
                  "a range of changes is deleted from the beginning of its log");
            if (key < value) added = writes.DeleteRange(handle, ToSlice(key), ToSlice(value));
            break;
        }
        if (!added.ok() && status.ok()) status = added;
      });
  if (!status.ok()) {
    // Nothing was written: the batch cannot be represented. That is no reason to stop.
    writes.Clear();
    return ToStatus(status, "build batch");
  }
  rocksdb::WriteOptions options;
  options.sync = sync == Sync::kYes;
  status = rep_->db->Write(options, &writes);
  if (writes.Data().capacity() > kKeptBatchBytes) writes = rocksdb::WriteBatch();
  if (!status.ok()) return Fail(ToStatus(status, "write"));
  return OkStatus();
}

uint64_t RocksDbKvStore::ApproximateBytes(ColumnFamily family, const KvRange& range) const {
  // Without an end: beyond every key that we make.
  static const std::string kEnd(64, '\xff');
  const std::string& end = range.end.empty() ? kEnd : range.end;
  if (range.begin >= end) return 0;
  const rocksdb::Range asked(ToSlice(range.begin), ToSlice(end));
  rocksdb::SizeApproximationOptions options;
  options.include_memtables = true;
  uint64_t bytes = 0;
  const rocksdb::Status status =
      rep_->db->GetApproximateSizes(options, rep_->family(family), &asked, 1, &bytes);
  return status.ok() ? bytes : 0;
}

Status RocksDbKvStore::SyncLog() {
  if (rep_->failed.load(std::memory_order_acquire)) return rep_->Failure();
  const rocksdb::Status status = rep_->db->SyncWAL();
  if (!status.ok()) return Fail(ToStatus(status, "sync"));
  return OkStatus();
}

RocksDbStats RocksDbKvStore::Stats() const {
  RocksDbStats stats;
  uint64_t value = 0;
  const auto aggregated = [&](const std::string& property) {
    return rep_->db->GetAggregatedIntProperty(property, &value) ? value : 0;
  };
  stats.memtable_bytes = aggregated(rocksdb::DB::Properties::kSizeAllMemTables);
  stats.table_file_bytes = aggregated(rocksdb::DB::Properties::kTotalSstFilesSize);
  stats.pending_compaction_bytes =
      aggregated(rocksdb::DB::Properties::kEstimatePendingCompactionBytes);
  stats.block_cache_bytes = rep_->cache->GetUsage();
  stats.writes_stopped =
      rep_->failed.load(std::memory_order_acquire) ||
      (rep_->db->GetIntProperty(rocksdb::DB::Properties::kIsWriteStopped, &value) && value != 0);
  return stats;
}

std::vector<TableFile> RocksDbKvStore::TableFiles() const {
  std::vector<rocksdb::LiveFileMetaData> live;
  rep_->db->GetLiveFilesMetaData(&live);
  std::vector<TableFile> files;
  files.reserve(live.size());
  for (const rocksdb::LiveFileMetaData& file : live)
    files.push_back({file.file_number, file.db_path + file.name, file.size});
  std::sort(files.begin(), files.end(),
            [](const TableFile& a, const TableFile& b) { return a.number < b.number; });
  return files;
}

Status VerifyTableFile(const TableFile& file) {
  rocksdb::Options options;
  rocksdb::Status found;
  // Past the cache first, where the disk's own bytes are; some file systems cannot.
  for (const bool direct : {true, false}) {
    options.use_direct_reads = direct;
    rocksdb::SstFileReader reader(options);
    found = reader.Open(file.path);
    if (found.ok()) found = reader.VerifyChecksum();
    if (found.ok() || found.IsCorruption()) break;
  }
  std::error_code error;
  if (!found.ok() && !std::filesystem::exists(file.path, error)) return NotFound("it is gone");
  if (found.ok()) return {};
  return ToStatus(found, "verify");
}

}  // namespace everwrite::storage
