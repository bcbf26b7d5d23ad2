// TableDefinition: everything that is agreed on about one table in all regions. Stored, and
// replicated, as one item of the system table of tables (catalog.h).
//
// Thread-safety: a value.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "conflict/version.h"
#include "region/item/key.h"

namespace everwrite::table {

enum class BillingMode : uint8_t { kProvisioned = 0, kPayPerRequest = 1 };
enum class StreamView : uint8_t {
  kNone = 0,
  kKeysOnly = 1,
  kNewImage = 2,
  kOldImage = 3,
  kNewAndOldImages = 4
};

// What an index holds of a row beside the keys of table and index.
enum class Projection : uint8_t { kAll = 0, kKeysOnly = 1, kInclude = 2 };

// DynamoDB's limits (Developer Guide, "Quotas").
inline constexpr size_t kLocalIndexesMax = 5;
inline constexpr size_t kGlobalIndexesMax = 20;
inline constexpr size_t kIncludedAttributesMax = 100;  // of all indexes of a table together

// Whether an index is being filled is no part of its definition: every region fills its own
// (index_backfill.h).
struct IndexDefinition {
  std::string name;
  // Given by the engine: derived from the definition and from what the table's definition follows,
  // so that regions that add the same index at the same time add one, and an index that is removed
  // and added again is another.
  IndexId id;
  bool local = false;  // of the table's partition
  item::CompositeKeySchema key;
  Projection projection = Projection::kAll;
  std::vector<std::string> included;  // kInclude: the other attributes, in the order given
  uint64_t read_units = 0;            // provisioned throughput, 0 when on demand or local
  uint64_t write_units = 0;
  // Of the index by expiry alone (ttl.h), which is no part of `indexes`: the attribute.
  std::string expiry;
  friend bool operator==(const IndexDefinition&, const IndexDefinition&) = default;
};

// Time to live (ttl.h). Empty: off.
struct TimeToLive {
  std::string attribute;
  IndexId id;               // of the index by expiry; given by the engine
  uint64_t changed_ms = 0;  // turned on or off, last
  friend bool operator==(const TimeToLive&, const TimeToLive&) = default;
};

// DynamoDB's limits on tags (Developer Guide, "Tagging restrictions").
inline constexpr size_t kTagsMax = 50;
inline constexpr size_t kTagKeyMax = 128;    // characters
inline constexpr size_t kTagValueMax = 256;  // characters
using Tags = std::map<std::string, std::string, std::less<>>;

// One region's share of a table that is not in all of them. Each region moves its own entry on:
// from kCreating to kActive when it holds everything, away when its rows are gone.
struct Replica {
  enum class State : uint8_t { kCreating = 0, kActive = 1, kDeleting = 2 };
  State state = State::kActive;
  // Kept only to be described, as the table's own. Empty or 0: as of the table.
  std::string sse_key;
  std::string table_class;
  uint64_t read_units = 0;
  uint64_t on_demand_read = 0;
  std::map<std::string, uint64_t, std::less<>> index_read_units;  // by index
  friend bool operator==(const Replica&, const Replica&) = default;
};
using Replicas = std::map<RegionId, Replica>;

// The key of a catalog entry: a table's name, or of a table that is one region's alone beside the
// one of its name (TableDefinition::apart), the name and the region. Sorts right behind the name.
std::string ApartKey(std::string_view name, RegionId region);
std::string_view NameOfCatalogKey(std::string_view key);

struct TableDefinition {
  std::string name;
  TableId id;               // given by the engine
  uint64_t generation = 0;  // how often the name was created before, plus one; given by the engine
  item::KeySchema key;
  BillingMode billing = BillingMode::kProvisioned;
  uint64_t read_units = 0;  // provisioned throughput, 0 when on demand
  uint64_t write_units = 0;
  StreamView stream = StreamView::kNone;
  uint64_t stream_enabled_ms = 0;  // when the current stream was turned on: its label
  uint64_t created_ms = 0;
  bool deletion_protection = false;
  std::string table_class;  // "STANDARD" or "STANDARD_INFREQUENT_ACCESS"; empty: the default
  bool sse = false;
  std::vector<IndexDefinition> indexes;  // local ones first, each kind in the order of creation
  TimeToLive ttl;
  Tags tags;
  Replicas replicas;  // empty: every region of the topology holds the table
  // The region that has left the table of this name and kept what it had of it: rows, indexes and
  // stream go on here, under the ids that they had, in that region alone. 0: it is the table of its
  // name.
  RegionId apart;
  std::set<RegionId> may_part;  // regions whose disassociation protection is off
  // What is kept only to be described: nothing here acts on it. Times are 0 for never, units 0 for
  // no bound or no word.
  std::string sse_key;              // with sse; empty: the service's own
  uint64_t pay_per_request_ms = 0;  // last switched to on demand, or created so
  uint64_t table_class_ms = 0;      // last changed
  uint64_t increased_ms = 0;        // provisioned throughput
  uint64_t decreased_ms = 0;
  uint64_t decreases = 0;       // on the day of decreased_ms
  uint64_t on_demand_read = 0;  // most request units a second
  uint64_t on_demand_write = 0;
  uint64_t warm_read = 0;  // units a second that were asked for
  uint64_t warm_write = 0;

  std::string CatalogKey() const { return apart.value == 0 ? name : ApartKey(name, apart); }
  const IndexDefinition* FindIndex(std::string_view index) const;
  bool IsEverywhere() const { return replicas.empty(); }
  // Whether the region's rows belong to the table; also of one that is being deleted, until its
  // entry goes: what it alone has is still to be had from it.
  bool Holds(RegionId region) const;
  // Its replica is being deleted: clients see it no more.
  bool IsLeaving(RegionId region) const;
  // Of a table that is not everywhere: who holds it, ascending.
  std::vector<RegionId> Members() const;
  // One region holds it, and there is nobody else to ask for its rows.
  bool IsAlone() const { return !IsEverywhere() && Members().size() <= 1; }
  friend bool operator==(const TableDefinition&, const TableDefinition&) = default;
};

// Everything that is kept beside the rows: `indexes`, and with TTL on the index by expiry, last.
std::vector<IndexDefinition> KeptIndexes(const TableDefinition& definition);

// The ids of indexes that have none yet, that by expiry too. `follows` is the version of the
// definition that this one replaces, or of the tombstone of the table's name, or none.
void GiveIndexIds(TableDefinition& definition, const conflict::Version& follows);

// The definition as the image of its catalog entry, and back; false for bytes that are none.
std::string EncodeTableDefinition(const TableDefinition& definition);
bool DecodeTableDefinition(std::string_view bytes, TableDefinition& definition);

}  // namespace everwrite::table
