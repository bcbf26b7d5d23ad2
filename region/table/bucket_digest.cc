#include "region/table/bucket_digest.h"

#include <utility>

#include "base/coding.h"

namespace everwrite::table {
namespace {

constexpr char kDigestPrefix = 'g';

// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014): each bit of the input moves half of
// the output's.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::string BucketBound(TableId table, uint32_t bucket) {
  if (bucket == kBuckets) return PrefixEnd(ItemKey(table, ""));
  std::string hash;
  PutFixed64(hash, static_cast<uint64_t>(bucket) << (64 - kBucketBits));
  return ItemKey(table, hash);
}

}  // namespace

uint16_t BucketOf(std::string_view store_key) {
  if (TableOfItemKey(store_key) == kCatalogTable || store_key.size() < 16) return 0;
  return static_cast<uint16_t>(LoadFixed64(store_key.data() + 8) >> (64 - kBucketBits));
}

KvRange BucketRange(TableId table, uint16_t bucket) {
  if (table == kCatalogTable) return {ItemKey(table, ""), PrefixEnd(ItemKey(table, ""))};
  // The first one also has whatever is too short to have a hash, which no row is.
  return {bucket == 0 ? ItemKey(table, "") : BucketBound(table, bucket),
          BucketBound(table, bucket + 1u)};
}

uint64_t ContentHash(std::string_view image) { return Hash64(image); }

uint64_t RowHash(std::string_view store_key, const conflict::Version& version, uint64_t content) {
  uint64_t hash = Mix(Hash64(store_key) ^ content);
  hash = Mix(hash + version.stamp.value);
  hash = Mix(hash + version.dot.log.value);
  return Mix(hash + version.dot.number + (version.rank << 32));
}

uint64_t RowHash(std::string_view store_key, const StoredItem& row) {
  return row.tombstone ? 0 : RowHash(store_key, row.version, ContentHash(row.image));
}

std::string DigestKey(TableId table, uint16_t bucket) {
  std::string key(1, kDigestPrefix);
  PutFixed64(key, table.value);
  PutFixed16(key, bucket);
  return key;
}

bool ParseDigestKey(std::string_view key, TableId& table, uint16_t& bucket) {
  uint8_t prefix = 0;
  Reader reader(key);
  return reader.ReadByte(prefix) && prefix == kDigestPrefix && reader.ReadFixed64(table.value) &&
         reader.ReadFixed16(bucket) && reader.done() && bucket < kBuckets;
}

KvRange DigestRange() {
  const std::string begin(1, kDigestPrefix);
  return {begin, PrefixEnd(begin)};
}

std::string EncodeBucketDigest(const BucketDigest& digest) {
  std::string out;
  out.reserve(10 + 18 * digest.touched.entries().size());
  PutFixed64(out, digest.sum);
  digest.touched.EncodeTo(out);
  return out;
}

bool DecodeBucketDigest(std::string_view bytes, BucketDigest& digest) {
  Reader reader(bytes);
  return reader.ReadFixed64(digest.sum) && conflict::Vector::Decode(reader.rest(), digest.touched);
}

Status DigestBook::Load(const KvStore& store) {
  std::lock_guard lock(mutex_);
  const std::string begin(1, kDigestPrefix);
  const auto it = store.NewIterator(ColumnFamily::kSystem, {begin, PrefixEnd(begin)});
  for (it->Seek(begin); it->Valid(); it->Next()) {
    Reader reader(it->key().substr(1));
    TableId table;
    uint16_t bucket = 0;
    Slot slot;
    if (!reader.ReadFixed64(table.value) || !reader.ReadFixed16(bucket) || !reader.done() ||
        !DecodeBucketDigest(it->value(), slot.digest))
      return DataLoss("a bucket's digest is damaged");
    tables_[table].emplace_hint(tables_[table].end(), bucket, std::move(slot));
  }
  return it->status();
}

void DigestBook::Touch(TableId table, uint16_t bucket, Dot dot, uint64_t delta) {
  steps_.push_back({table, bucket, dot, delta});
}

void DigestBook::Learn(TableId table, uint16_t bucket, const conflict::Vector& touched) {
  lessons_.push_back({table, bucket, touched});
}

void DigestBook::Adjust(TableId table, uint16_t bucket, uint64_t delta) {
  Touch(table, bucket, Dot{}, delta);
}

void DigestBook::Drop(TableId table, KvBatch& batch) {
  const auto is_of_table = [table](const auto& step) { return step.table == table; };
  std::erase_if(steps_, is_of_table);
  std::erase_if(lessons_, is_of_table);
  std::lock_guard lock(mutex_);
  tables_.erase(table);
  const std::string first = DigestKey(table, 0);
  batch.DeleteRange(ColumnFamily::kSystem, first, PrefixEnd(first.substr(0, 9)));
}

DigestBook::Slot& DigestBook::Dirty(TableId table, uint16_t bucket) {
  Slot& slot = tables_[table][bucket];
  if (!std::exchange(slot.dirty, true)) dirty_.push_back({table, bucket, &slot});
  return slot;
}

void DigestBook::Flush(KvBatch& batch) {
  if (steps_.empty() && lessons_.empty()) return;
  std::lock_guard lock(mutex_);
  for (const Step& step : steps_) {
    BucketDigest& digest = Dirty(step.table, step.bucket).digest;
    digest.sum += step.delta;
    if (step.dot.number != 0) digest.touched.Raise(step.dot);
  }
  for (const Lesson& lesson : lessons_)
    Dirty(lesson.table, lesson.bucket).digest.touched.Merge(lesson.touched);
  for (const auto& [table, bucket, slot] : dirty_) {
    slot->dirty = false;
    batch.Put(ColumnFamily::kSystem, DigestKey(table, bucket), EncodeBucketDigest(slot->digest));
    if (keep_moved_) moved_.insert({table, bucket});
  }
  steps_.clear();
  lessons_.clear();
  dirty_.clear();
}

BucketDigest DigestBook::Get(TableId table, uint16_t bucket) const {
  std::lock_guard lock(mutex_);
  const auto buckets = tables_.find(table);
  if (buckets == tables_.end()) return {};
  const auto slot = buckets->second.find(bucket);
  return slot == buckets->second.end() ? BucketDigest{} : slot->second.digest;
}

std::vector<DigestBook::Entry> DigestBook::List(TableId table, uint32_t bucket,
                                                size_t limit) const {
  std::vector<Entry> entries;
  std::lock_guard lock(mutex_);
  for (auto at = tables_.lower_bound(table); at != tables_.end(); ++at) {
    const Buckets& buckets = at->second;
    auto slot = buckets.begin();
    if (at->first == table)
      slot = bucket < kBuckets ? buckets.lower_bound(static_cast<uint16_t>(bucket)) : buckets.end();
    for (; slot != buckets.end(); ++slot) {
      if (entries.size() == limit) return entries;
      entries.push_back({at->first, slot->first, slot->second.digest});
    }
  }
  return entries;
}

std::vector<DigestBook::Entry> DigestBook::TakeMoved(size_t limit) {
  std::vector<Entry> entries;
  std::lock_guard lock(mutex_);
  keep_moved_ = true;
  while (!moved_.empty() && entries.size() < limit) {
    const auto [table, bucket] = *moved_.begin();
    moved_.erase(moved_.begin());
    const auto buckets = tables_.find(table);
    if (buckets == tables_.end()) continue;
    const auto slot = buckets->second.find(bucket);
    if (slot != buckets->second.end()) entries.push_back({table, bucket, slot->second.digest});
  }
  return entries;
}

void DigestBook::PutBackMoved(TableId table, uint16_t bucket) {
  std::lock_guard lock(mutex_);
  moved_.insert({table, bucket});
}

size_t DigestBook::size() const {
  std::lock_guard lock(mutex_);
  size_t count = 0;
  for (const auto& [table, buckets] : tables_) count += buckets.size();
  return count;
}

Result<BucketCount> CountBucket(const KvStore& store, TableId table, uint16_t bucket) {
  const auto snapshot = store.TakeSnapshot();
  return CountBucket(store, table, bucket, *snapshot);
}

Result<BucketCount> CountBucket(const KvStore& store, TableId table, uint16_t bucket,
                                const KvSnapshot& snapshot) {
  BucketCount count;
  std::string value;
  EW_ASSIGN_OR_RETURN(const bool found, store.Get(ColumnFamily::kSystem, DigestKey(table, bucket),
                                                  &value, &snapshot));
  if (found && !DecodeBucketDigest(value, count.said))
    return DataLoss("a bucket's digest is damaged");
  const KvRange range = BucketRange(table, bucket);
  const auto it = store.NewIterator(ColumnFamily::kItems, range, &snapshot);
  for (it->Seek(range.begin); it->Valid(); it->Next()) {
    StoredItem row;
    if (!DecodeStoredItem(it->value(), row)) return DataLoss("a stored item is damaged");
    if (row.tombstone) continue;
    count.sum += RowHash(it->key(), row);
    ++count.rows;
  }
  EW_RETURN_IF_ERROR(it->status());
  return count;
}

Result<std::vector<std::string>> CheckDigests(const KvStore& store, size_t limit) {
  std::vector<std::string> lines;
  // By the rows: buckets that have any.
  std::map<TableId, std::map<uint16_t, uint64_t>> sums;
  std::set<TableId> tables{kCatalogTable};
  const auto rows = store.NewIterator(ColumnFamily::kItems, {});
  for (rows->Seek(""); rows->Valid(); rows->Next()) {
    StoredItem row;
    if (!DecodeStoredItem(rows->value(), row)) return DataLoss("a stored item is damaged");
    tables.insert(TableOfItemKey(rows->key()));
    if (!row.tombstone)
      sums[TableOfItemKey(rows->key())][BucketOf(rows->key())] += RowHash(rows->key(), row);
  }
  EW_RETURN_IF_ERROR(rows->status());
  DigestBook book;
  EW_RETURN_IF_ERROR(book.Load(store));
  for (const auto& entry : book.List(TableId{0}, 0, SIZE_MAX)) {
    auto& table = sums[entry.table];
    const auto at = table.find(entry.bucket);
    const uint64_t sum = at == table.end() ? 0 : at->second;
    if (sum != entry.digest.sum && lines.size() < limit)
      lines.push_back("bucket " + std::to_string(entry.bucket) + " of table " +
                      std::to_string(entry.table.value) + ": the rows sum up to " +
                      std::to_string(sum) + ", the digest says " +
                      std::to_string(entry.digest.sum));
    if (at != table.end()) table.erase(at);
  }
  for (const auto& [table, buckets] : sums)
    for (const auto& [bucket, sum] : buckets)
      if (lines.size() < limit)
        lines.push_back("bucket " + std::to_string(bucket) + " of table " +
                        std::to_string(table.value) + " has rows and no digest");
  return lines;
}

}  // namespace everwrite::table
