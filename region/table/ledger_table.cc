#include "region/table/ledger_table.h"

#include <algorithm>
#include <memory>

#include "base/coding.h"
#include "base/log.h"
#include "region/item/item.h"
#include "region/table/committer.h"
#include "region/table/conflict_ledger.h"
#include "region/table/table_stream.h"

namespace everwrite::table {
namespace {

using conflict::ConflictRecord;
using conflict::ConflictSide;
using item::ItemBuilder;
using item::ItemView;

constexpr size_t kLedgerKeyBytes = 24;

std::string HexOf(uint64_t value) {
  std::string bytes;
  PutFixed64(bytes, value);
  return ToHex(bytes);
}

void AddMap(ItemBuilder& builder, std::string_view name, std::string_view attributes) {
  std::string& out = builder.Begin(name);
  const size_t mark = item::BeginContainer(out, item::ValueType::kMap);
  out += attributes;
  item::EndContainer(out, mark);
}

// The ledger key nearest to where an id begins with `text`: what is missing is filled with `fill`.
std::string LedgerBound(std::string_view text, char fill) {
  std::string hex;
  for (const char c : text) {
    if (c == '-') continue;
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (!digit || hex.size() == 2 * kLedgerKeyBytes) break;
    hex += c;
  }
  hex.resize(2 * kLedgerKeyBytes, fill);
  std::string key;
  CHECK(FromHex(hex, key));
  return key;
}

}  // namespace

LedgerTable::LedgerTable(const KvStore& store, const Catalog& catalog, RegionId self,
                         RegionName name_of)
    : store_(store),
      catalog_(catalog),
      name_of_(name_of ? std::move(name_of) : [](RegionId id) { return std::to_string(id.value); }),
      region_(name_of_(self)) {
  TableDefinition definition;
  definition.name = kLedgerTableName;
  definition.id = kLedgerTable;
  definition.key = {{"region", item::KeyType::kString},
                    item::KeyAttribute{"id", item::KeyType::kString}};
  definition.billing = BillingMode::kPayPerRequest;
  definition.deletion_protection = true;
  definition.stream = StreamView::kNewImage;
  definition.stream_enabled_ms = kLedgerStreamMs;
  table_ = std::make_shared<const Table>(std::move(definition),
                                         std::make_shared<TableState>(kLedgerTable));
  ItemBuilder builder;
  builder.AddString("region", region_);
  const std::string key = builder.Finish();
  partition_ = item::EncodePartition(table_->definition.key, *ItemView(key).Find("region")).value();
}

std::string LedgerTable::KeyOf(std::string_view conflict_name) const {
  std::string key;
  key.reserve(partition_.size() + conflict_name.size() + 2);
  key = partition_;
  PutOrderedBytes(key, conflict_name);
  return key;
}

std::string LedgerTable::ItemOf(const ConflictRecord& record) const {
  const TablePtr of = record.is_table ? nullptr : catalog_.FindById(record.table);
  ItemBuilder builder;
  builder.AddString("region", region_);
  builder.AddString("id", conflict::ConflictName(record.loser.version));
  builder.AddString("kind", record.is_table ? "table" : "item");
  builder.AddString("reason", conflict::ReasonName(record.reason));
  builder.AddString("decided", FormatUtcMillis(record.decided_ms));
  builder.AddInteger("decided_ms", static_cast<int64_t>(record.decided_ms));
  if (record.is_table) {
    builder.AddString("table", record.key);
  } else {
    builder.AddString("table_id", HexOf(record.table.value));
    if (of) builder.AddString("table", of->definition.name);
  }
  if (of && !record.loser.image.empty())
    AddMap(builder, "key", item::KeyAttributesOf(of->definition.key, ItemView(record.loser.image)));
  const auto add_side = [&](std::string_view name, const ConflictSide& side) {
    ItemBuilder one;
    const RegionId region = side.version.dot.log.region();
    one.AddString("region", name_of_(region));
    one.AddInteger("region_id", region.value);
    one.AddString("version", conflict::ConflictName(side.version));
    one.AddString("time", FormatUtcMillis(side.version.stamp.milliseconds()));
    one.AddInteger("time_ms", static_cast<int64_t>(side.version.stamp.milliseconds()));
    one.AddBool("deleted", side.tombstone);
    if (!record.is_table && !side.tombstone) AddMap(one, "item", side.image);
    AddMap(builder, name, one.Finish());
  };
  add_side("loser", record.loser);
  if (conflict::NamesWinner(record.reason)) add_side("winner", record.winner);
  return builder.Finish();
}

void LedgerTable::AddToStream(CommitTurn& turn, const ConflictRecord& record) const {
  const std::shared_ptr<TableStream> stream = table_->state->Stream();
  if (!stream) return;
  const std::string name = conflict::ConflictName(record.loser.version);
  const std::string key = KeyOf(name);
  ItemBuilder builder;  // in the order of names: nothing needs to be sorted
  builder.AddString("id", name);
  builder.AddString("region", region_);
  const std::string attributes = builder.Finish();
  streams::StreamEntry entry;
  entry.effect = streams::Effect::kInsert;
  entry.version = record.loser.version;
  entry.version.rank = 0;
  entry.key = key;
  entry.key_attributes = attributes;
  stream->Add(turn, entry);
}

Result<bool> LedgerTable::Get(std::string_view key, std::string* item) const {
  conflict::Version loser;
  std::string id;
  if (!key.starts_with(partition_)) return false;
  key.remove_prefix(partition_.size());
  if (!TakeOrderedBytes(key, id) || !conflict::ParseConflictName(id, loser)) return false;
  const auto record = FindConflict(store_, loser);
  if (record.status().code() == StatusCode::kNotFound) return false;
  if (!record.ok()) return record.status();
  if (conflict::ConflictName(record->loser.version) != id) return false;
  *item = ItemOf(*record);
  return true;
}

Status LedgerTable::Scan(
    const ScanOptions& options,
    const std::function<bool(std::string_view, std::string_view)>& visit) const {
  // Where to begin, as a ledger key: a bound may be any prefix of an encoded key.
  const auto text_of = [&](std::string_view bound) {
    bound.remove_prefix(partition_.size());
    return bound.substr(0, bound.find('\0'));
  };
  const auto it = store_.NewIterator(ColumnFamily::kLedger, {});
  if (options.backward) {
    std::string upper = options.end;
    if (!options.after.empty() && (upper.empty() || options.after < upper)) upper = options.after;
    if (upper.starts_with(partition_)) {
      it->SeekForPrev(LedgerBound(text_of(upper), 'f'));
    } else if (upper.empty() || upper > partition_) {
      it->SeekForPrev(std::string(kLedgerKeyBytes + 1, '\xff'));
    } else {
      return {};
    }
  } else {
    const std::string& lower = std::max(options.begin, options.after);
    if (lower.starts_with(partition_)) {
      it->Seek(LedgerBound(text_of(lower), '0'));
    } else if (lower < partition_) {
      it->Seek("");
    } else {
      return {};
    }
  }
  for (; it->Valid(); options.backward ? it->Prev() : it->Next()) {
    ConflictRecord record;
    if (!conflict::DecodeConflictRecord(it->value(), record))
      return DataLoss("a ledger entry is damaged: " + ToHex(it->key()));
    const std::string key = KeyOf(conflict::ConflictName(record.loser.version));
    const bool below = key < options.begin ||
                       (!options.backward && !options.after.empty() && key <= options.after);
    const bool above = (!options.end.empty() && key >= options.end) ||
                       (options.backward && !options.after.empty() && key >= options.after);
    if (options.backward ? below : above) break;
    if (below || above) continue;
    if (!visit(key, ItemOf(record))) return {};
  }
  return it->status();
}

Status LedgerIsReadOnly() {
  return InvalidArgument("everwrite.conflicts is kept by the region itself and can only be read");
}

}  // namespace everwrite::table
