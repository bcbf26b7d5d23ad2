#include "region/table/bucket_digest.h"

#include <algorithm>
#include <array>
#include <bit>
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

// Where a bucket's keys begin and end. The first one also has whatever is too short to have a hash,
// which no row is.
void PutBucketBegin(TableId table, uint32_t bucket, std::string& out) {
  PutFixed64(out, table.value);
  if (table != kCatalogTable && bucket != 0)
    PutFixed64(out, static_cast<uint64_t>(bucket) << (64 - kBucketBits));
}

void PutBucketEnd(TableId table, uint32_t bucket, std::string& out) {
  if (table != kCatalogTable && bucket + 1 < kBuckets)
    return PutBucketBegin(table, bucket + 1, out);
  out += PrefixEnd(ItemKey(table, ""));
}

}  // namespace

uint16_t BucketOf(std::string_view store_key) {
  if (TableOfItemKey(store_key) == kCatalogTable || store_key.size() < 16) return 0;
  return static_cast<uint16_t>(LoadFixed64(store_key.data() + 8) >> (64 - kBucketBits));
}

KvRange BucketRange(TableId table, uint16_t bucket) {
  KvRange range;
  PutBucketBegin(table, bucket, range.begin);
  PutBucketEnd(table, bucket, range.end);
  return range;
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

namespace {

// In `buffer`, which only grows.
std::string_view Encoded(const BucketDigest& digest, std::string& buffer) {
  const size_t size = 8 + digest.touched.EncodedSize();
  if (buffer.size() < size) buffer.resize(size);
  StoreFixed64(buffer.data(), digest.sum);
  digest.touched.EncodeAt(buffer.data() + 8);
  return {buffer.data(), size};
}

}  // namespace

std::string EncodeBucketDigest(const BucketDigest& digest) {
  std::string buffer;
  return std::string(Encoded(digest, buffer));
}

bool DecodeBucketDigest(std::string_view bytes, BucketDigest& digest) {
  Reader reader(bytes);
  return reader.ReadFixed64(digest.sum) && conflict::Vector::Decode(reader.rest(), digest.touched);
}

DigestBook::Slot& DigestBook::Buckets::Add(uint16_t bucket) {
  if (size_ % kPageSlots == 0) pages_.push_back(std::make_unique<Page>());
  present_[bucket / 64] |= 1ULL << bucket % 64;
  places_[bucket] = static_cast<uint16_t>(size_++);
  return SlotAt(places_[bucket]);
}

bool DigestBook::Buckets::SetMoved(uint16_t bucket, bool moved) {
  uint64_t& word = moved_[bucket / 64];
  const uint64_t before = word;
  const uint64_t bit = 1ULL << bucket % 64;
  word = moved ? before | bit : before & ~bit;
  return word != before;
}

uint32_t DigestBook::Buckets::Next(const Bits& bits, uint32_t bucket) {
  while (bucket < kBuckets) {
    const uint64_t rest = bits[bucket / 64] >> bucket % 64;
    if (rest != 0) return bucket + static_cast<uint32_t>(std::countr_zero(rest));
    bucket = (bucket / 64 + 1) * 64;
  }
  return kBuckets;
}

size_t DigestBook::Buckets::CountMoved() const {
  size_t count = 0;
  for (const uint64_t word : moved_) count += static_cast<size_t>(std::popcount(word));
  return count;
}

Status DigestBook::Load(const KvStore& store) {
  std::lock_guard lock(mutex_);
  const std::string begin(1, kDigestPrefix);
  const auto it = store.NewIterator(ColumnFamily::kSystem, {begin, PrefixEnd(begin)});
  for (it->Seek(begin); it->Valid(); it->Next()) {
    Reader reader(it->key().substr(1));
    TableId table;
    uint16_t bucket = 0;
    if (!reader.ReadFixed64(table.value) || !reader.ReadFixed16(bucket) || !reader.done() ||
        bucket >= kBuckets || !DecodeBucketDigest(it->value(), tables_[table].Make(bucket).digest))
      return DataLoss("a bucket's digest is damaged");
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
  if (const auto at = tables_.find(table); at != tables_.end()) {
    moved_ -= at->second.CountMoved();
    tables_.erase(at);
  }
  const std::string first = DigestKey(table, 0);
  batch.DeleteRange(ColumnFamily::kSystem, first, PrefixEnd(first.substr(0, 9)));
}

DigestBook::Slot& DigestBook::Dirty(TableId table, uint16_t bucket) {
  Buckets& buckets = tables_[table];
  Slot& slot = buckets.Make(bucket);
  if (!std::exchange(slot.dirty, true)) dirty_.push_back({table, bucket, &buckets, &slot});
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
  for (const auto& [table, bucket, buckets, slot] : dirty_) {
    slot->dirty = false;
    batch.Put(ColumnFamily::kSystem, DigestKey(table, bucket), Encoded(slot->digest, encoded_));
    if (keep_moved_ && buckets->SetMoved(bucket, true)) ++moved_;
  }
  steps_.clear();
  lessons_.clear();
  dirty_.clear();
}

BucketDigest DigestBook::Get(TableId table, uint16_t bucket) const {
  std::lock_guard lock(mutex_);
  const auto buckets = tables_.find(table);
  if (buckets == tables_.end()) return {};
  const Slot* const slot = bucket < kBuckets ? buckets->second.Find(bucket) : nullptr;
  return slot == nullptr ? BucketDigest{} : slot->digest;
}

std::vector<DigestBook::Match> DigestBook::Compare(TableId table,
                                                   std::span<const Entry> theirs) const {
  const BucketDigest none;
  std::vector<Match> matches;
  matches.reserve(theirs.size());
  std::lock_guard lock(mutex_);
  const auto buckets = tables_.find(table);
  for (const Entry& entry : theirs) {
    const Slot* const slot = buckets == tables_.end() || entry.bucket >= kBuckets
                                 ? nullptr
                                 : buckets->second.Find(entry.bucket);
    const BucketDigest& ours = slot ? slot->digest : none;
    matches.push_back(ours.touched != entry.digest.touched ? Match::kMoving
                      : ours.sum == entry.digest.sum       ? Match::kEqual
                                                           : Match::kDiffers);
  }
  return matches;
}

std::vector<DigestBook::Entry> DigestBook::List(TableId table, uint32_t bucket,
                                                size_t limit) const {
  std::vector<Entry> entries;
  std::lock_guard lock(mutex_);
  entries.reserve(std::min(limit, SizeNow()));
  for (auto at = tables_.lower_bound(table); at != tables_.end(); ++at) {
    const Buckets& buckets = at->second;
    uint32_t next = buckets.NextPresent(at->first == table ? bucket : 0);
    for (; next < kBuckets; next = buckets.NextPresent(next + 1)) {
      if (entries.size() == limit) return entries;
      entries.push_back({at->first, static_cast<uint16_t>(next), buckets.Find(next)->digest});
    }
  }
  return entries;
}

std::optional<std::pair<TableId, uint16_t>> DigestBook::First(TableId table,
                                                              uint32_t bucket) const {
  std::lock_guard lock(mutex_);
  for (auto at = tables_.lower_bound(table); at != tables_.end(); ++at) {
    const uint32_t first = at->second.NextPresent(at->first == table ? bucket : 0);
    if (first < kBuckets) return std::pair{at->first, static_cast<uint16_t>(first)};
  }
  return std::nullopt;
}

std::vector<DigestBook::Entry> DigestBook::TakeMoved(size_t limit) {
  std::vector<Entry> entries;
  std::lock_guard lock(mutex_);
  entries.reserve(std::min(limit, moved_));
  keep_moved_ = true;
  if (moved_ <= limit) take_moved_at_ = {};
  bool wrapped = false;
  auto at = tables_.lower_bound(take_moved_at_.first);
  while (moved_ > 0 && entries.size() < limit) {
    if (at == tables_.end()) {
      CHECK(!std::exchange(wrapped, true), "buckets that have moved, and are not there");
      take_moved_at_ = {};
      at = tables_.begin();
      continue;
    }
    Buckets& buckets = at->second;
    if (at->first != take_moved_at_.first) take_moved_at_ = {at->first, 0};
    const uint32_t bucket = buckets.NextMoved(take_moved_at_.second);
    if (bucket == kBuckets) {
      ++at;
      continue;
    }
    take_moved_at_.second = bucket + 1;
    buckets.SetMoved(static_cast<uint16_t>(bucket), false);
    --moved_;
    entries.push_back({at->first, static_cast<uint16_t>(bucket), buckets.Find(bucket)->digest});
  }
  return entries;
}

void DigestBook::PutBackMoved(TableId table, uint16_t bucket) {
  std::lock_guard lock(mutex_);
  const auto at = tables_.find(table);
  if (at == tables_.end() || at->second.Find(bucket) == nullptr) return;  // dropped meanwhile
  if (at->second.SetMoved(bucket, true)) ++moved_;
}

size_t DigestBook::size() const {
  std::lock_guard lock(mutex_);
  return SizeNow();
}

size_t DigestBook::SizeNow() const {
  size_t count = 0;
  for (const auto& [table, buckets] : tables_) count += buckets.size();
  return count;
}

namespace {

// From where `rows` stand up to `end`; empty: all.
Status AddRows(KvIterator& rows, std::string_view end, BucketCount& count) {
  for (; rows.Valid() && (end.empty() || rows.key() < end); rows.Next()) {
    StoredItem row;
    if (!DecodeStoredItem(rows.value(), row)) return DataLoss("a stored item is damaged");
    if (row.tombstone) continue;
    count.sum += RowHash(rows.key(), row);
    ++count.rows;
  }
  return rows.status();
}

}  // namespace

BucketCounter::BucketCounter(const KvStore& store)
    : store_(store),
      before_{store.NewIterator(ColumnFamily::kSystem, DigestRange())},
      rows_{store.NewIterator(ColumnFamily::kItems, {})},
      after_{store.NewIterator(ColumnFamily::kSystem, DigestRange())} {}

void BucketCounter::Cursor::To(std::string_view key) {
  const auto reached = [&] { return at->Valid() ? at->key() >= key : at->status().ok(); };
  if (!placed || passed > key) {
    at->Seek(key);
  } else if (reached()) {
    return;
  } else {
    if (at->Valid()) at->Next();
    if (!reached()) at->Seek(key);
  }
  passed = key;
  placed = true;
}

Result<std::string_view> BucketCounter::FindDigest(Cursor& digests, std::string_view key) {
  digests.To(key);
  const KvIterator& at = *digests.at;
  if (at.Valid() && at.key() == key) return at.value();
  EW_RETURN_IF_ERROR(at.status());
  return std::string_view();
}

std::optional<std::pair<TableId, uint16_t>> BucketCounter::FirstWithRows(TableId table,
                                                                         uint16_t bucket) {
  bound_.clear();
  PutBucketBegin(table, bucket, bound_);
  rows_.To(bound_);
  const KvIterator& at = *rows_.at;
  if (!at.Valid()) return std::nullopt;
  return std::pair{TableOfItemKey(at.key()), BucketOf(at.key())};
}

Result<BucketCount> BucketCounter::Count(TableId table, uint16_t bucket) {
  BucketCount count;
  const std::string key = DigestKey(table, bucket);
  EW_ASSIGN_OR_RETURN(const std::string_view before, FindDigest(before_, key));
  EW_ASSIGN_OR_RETURN(const std::string_view after, FindDigest(after_, key));
  if (before != after) return CountBucket(store_, table, bucket);
  if (!after.empty() && !DecodeBucketDigest(after, count.said))
    return DataLoss("a bucket's digest is damaged");
  bound_.clear();
  PutBucketBegin(table, bucket, bound_);
  rows_.To(bound_);
  bound_.clear();
  PutBucketEnd(table, bucket, bound_);
  rows_.placed = false;  // until its end is reached
  EW_RETURN_IF_ERROR(AddRows(*rows_.at, bound_, count));
  rows_.passed = bound_;
  rows_.placed = !bound_.empty();
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
  it->Seek(range.begin);
  EW_RETURN_IF_ERROR(AddRows(*it, range.end, count));
  return count;
}

Result<std::vector<std::string>> CheckDigests(const KvStore& store, size_t limit) {
  DigestBook book;
  EW_RETURN_IF_ERROR(book.Load(store));
  return CheckDigests(store, book, limit);
}

Result<std::vector<std::string>> CheckDigests(const KvStore& store, const DigestBook& book,
                                              size_t limit) {
  std::vector<std::string> lines;
  // By the rows: the sums of buckets that have any.
  using Sums = std::array<std::optional<uint64_t>, kBuckets>;
  std::map<TableId, Sums> tables;
  const auto rows = store.NewIterator(ColumnFamily::kItems, {});
  for (rows->Seek(""); rows->Valid(); rows->Next()) {
    StoredItem row;
    if (!DecodeStoredItem(rows->value(), row)) return DataLoss("a stored item is damaged");
    if (row.tombstone) continue;
    std::optional<uint64_t>& sum = tables[TableOfItemKey(rows->key())][BucketOf(rows->key())];
    sum = sum.value_or(0) + RowHash(rows->key(), row);
  }
  EW_RETURN_IF_ERROR(rows->status());
  for (const auto& entry : book.List(TableId{0}, 0, SIZE_MAX)) {
    const uint64_t sum = std::exchange(tables[entry.table][entry.bucket], std::nullopt).value_or(0);
    if (sum != entry.digest.sum && lines.size() < limit)
      lines.push_back("bucket " + std::to_string(entry.bucket) + " of table " +
                      std::to_string(entry.table.value) + ": the rows sum up to " +
                      std::to_string(sum) + ", the digest says " +
                      std::to_string(entry.digest.sum));
  }
  for (const auto& [table, sums] : tables)
    for (uint32_t bucket = 0; bucket < kBuckets; ++bucket)
      if (sums[bucket] && lines.size() < limit)
        lines.push_back("bucket " + std::to_string(bucket) + " of table " +
                        std::to_string(table.value) + " has rows and no digest");
  return lines;
}

}  // namespace everwrite::table
