#include "region/table/table_fills.h"

#include "base/coding.h"
#include "region/table/layout.h"

namespace everwrite::table {

using streams::FillProgress;
using streams::ScanPart;
using streams::Stage;

namespace {

constexpr uint8_t kFormat = 2;

}  // namespace

std::string EncodeFilling(Stage stage, const FillProgress& progress) {
  std::string out(1, static_cast<char>(kFormat));
  out.push_back(static_cast<char>(stage));
  PutVarint(out, progress.begun);
  PutVarint(out, progress.source.value);
  out.push_back(static_cast<char>(progress.part));
  PutBytes(out, progress.after);
  for (const conflict::Vector* vector : {&progress.floor, &progress.told, &progress.claims.shown(),
                                         &progress.claims.claimed(), &progress.pass}) {
    std::string bytes;
    vector->EncodeTo(bytes);
    PutBytes(out, bytes);
  }
  for (const uint64_t number : {progress.rows, progress.bytes, progress.live_rows,
                                progress.total_rows, progress.begun_ms, progress.steps})
    PutVarint(out, number);
  for (const conflict::Vector* vector : {&progress.met, &progress.shows}) {
    std::string bytes;
    vector->EncodeTo(bytes);
    PutBytes(out, bytes);
  }
  return out;
}

bool DecodeFilling(std::string_view bytes, Stage& stage, FillProgress& progress) {
  Reader reader(bytes);
  uint8_t format = 0, stage_byte = 0, part = 0;
  uint64_t source = 0;
  std::string_view after;
  if (!reader.ReadByte(format) || format != kFormat || !reader.ReadByte(stage_byte) ||
      stage_byte > static_cast<uint8_t>(Stage::kCompleting) || !reader.ReadVarint(progress.begun) ||
      !reader.ReadVarint(source) || source > 65535 || !reader.ReadByte(part) ||
      part > static_cast<uint8_t>(ScanPart::kDone) || !reader.ReadBytes(after))
    return false;
  conflict::Vector shown, claimed;
  for (conflict::Vector* vector :
       {&progress.floor, &progress.told, &shown, &claimed, &progress.pass}) {
    std::string_view encoded;
    if (!reader.ReadBytes(encoded) || !conflict::Vector::Decode(encoded, *vector)) return false;
  }
  progress.claims = conflict::Claims(std::move(shown), claimed);
  for (uint64_t* number : {&progress.rows, &progress.bytes, &progress.live_rows,
                           &progress.total_rows, &progress.begun_ms, &progress.steps})
    if (!reader.ReadVarint(*number)) return false;
  for (conflict::Vector* vector : {&progress.met, &progress.shows}) {
    std::string_view encoded;
    if (reader.done()) break;  // earlier versions did not note it
    if (!reader.ReadBytes(encoded) || !conflict::Vector::Decode(encoded, *vector)) return false;
  }
  stage = static_cast<Stage>(stage_byte);
  progress.source.value = static_cast<uint16_t>(source);
  progress.part = static_cast<ScanPart>(part);
  progress.after = after;
  return true;
}

bool HasTold(const FillProgress& progress, RegionId holder) {
  return progress.told.At(LogId::Make(holder, 1)) != 0;
}

void SetTold(FillProgress& progress, RegionId holder) {
  progress.told.Set(LogId::Make(holder, 1), 1);
}

Status TableFills::Load(const KvStore& store) {
  const std::string begin(1, kTableFillPrefix);
  const auto it = store.NewIterator(ColumnFamily::kSystem, {begin, PrefixEnd(begin)});
  std::lock_guard lock(mutex_);
  for (it->Seek(begin); it->Valid(); it->Next()) {
    Stage stage = Stage::kFilling;
    Fill fill;
    if (it->key().size() != 9 || !DecodeFilling(it->value(), stage, fill.progress))
      return DataLoss("the state of a table's filling is damaged");
    fill.serves = stage == Stage::kServing;
    fills_[TableId{LoadFixed64(it->key().data() + 1)}] = std::move(fill);
  }
  count_ = fills_.size();
  return it->status();
}

void TableFills::Set(CommitTurn& turn, TableId table, Fill fill) {
  turn.batch().Put(ColumnFamily::kSystem, TableFillKey(table),
                   EncodeFilling(fill.serves ? Stage::kServing : Stage::kFilling, fill.progress));
  std::lock_guard lock(mutex_);
  fills_[table] = std::move(fill);
  count_.store(fills_.size(), std::memory_order_release);
}

void TableFills::SetClaims(conflict::Claims claims) {
  std::lock_guard lock(mutex_);
  claims_ = std::move(claims);
}

void TableFills::Begin(CommitTurn& turn, TableId table, const conflict::Vector& floor,
                       const conflict::Vector& shows) {
  Fill fill;
  fill.progress.shows = shows;
  fill.progress.begun = 1;
  fill.progress.part = ScanPart::kItems;
  fill.progress.floor = floor;
  fill.progress.begun_ms = turn.physical_ms();
  Set(turn, table, std::move(fill));
}

void TableFills::Lack(CommitTurn& turn, TableId table, Dot dot, bool unnoticed) {
  const auto before = Find(table);
  Fill fill;
  fill.serves = !before || before->serves;
  fill.progress.begun = before ? before->progress.begun + 1 : 1;
  fill.progress.part = ScanPart::kItems;
  fill.progress.floor = turn.state().applied;
  fill.progress.floor.Raise(dot);
  if (before) fill.progress.floor.Merge(before->progress.floor);
  if (before) {
    fill.progress.shows = before->progress.shows;
  } else if (!unnoticed) {
    std::lock_guard lock(mutex_);
    fill.progress.shows = claims_.ShownOf(turn.state().applied);
  }
  fill.progress.begun_ms = before ? before->progress.begun_ms : turn.physical_ms();
  Set(turn, table, std::move(fill));
}

void TableFills::Advance(CommitTurn& turn, TableId table, const FillProgress& progress) {
  auto fill = Find(table);
  if (!fill) return;  // the table has gone
  fill->progress = progress;
  Set(turn, table, std::move(*fill));
}

void TableFills::End(CommitTurn& turn, TableId table) {
  std::lock_guard lock(mutex_);
  if (fills_.erase(table) == 0) return;
  turn.batch().Delete(ColumnFamily::kSystem, TableFillKey(table));
  count_.store(fills_.size(), std::memory_order_release);
}

std::optional<TableFills::Fill> TableFills::Find(TableId table) const {
  std::lock_guard lock(mutex_);
  const auto at = fills_.find(table);
  return at == fills_.end() ? std::nullopt : std::optional(at->second);
}

std::optional<std::pair<TableId, TableFills::Fill>> TableFills::Current() const {
  if (empty()) return std::nullopt;
  std::lock_guard lock(mutex_);
  for (const bool serves : {false, true})
    for (const auto& [table, fill] : fills_)
      if (fill.serves == serves) return std::pair(table, fill);
  return std::nullopt;
}

std::map<TableId, TableFills::Fill> TableFills::All() const {
  std::lock_guard lock(mutex_);
  return fills_;
}

}  // namespace everwrite::table
