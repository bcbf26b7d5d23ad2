#include "chaos/checkers/stream_state.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/coding.h"
#include "region/table/ledger_table.h"
#include "region/table/stream_catalog.h"

namespace everwrite::chaos {
namespace {

using streams::Effect;
using streams::Sequence;
using streams::StreamEntry;

// One region's stream.
class StreamCheck {
 public:
  StreamCheck(const KvStore& store, const table::RegionState& state, const table::StreamInfo& info,
              std::string where, std::vector<std::string>& violations)
      : store_(store),
        state_(state),
        info_(info),
        where_(std::move(where)),
        violations_(violations) {}

  void Run(EndView& view) {
    ReadEntries();
    CheckEntries(view);
    Replay();
    if (info_.ended.value == 0) CheckItems();
  }

 private:
  struct Entry {
    Sequence sequence;
    std::string bytes;
    StreamEntry entry;  // into bytes
  };
  struct Item {
    Sequence sequence;
    std::optional<std::string_view> image;  // of an entry
    bool changed = false;                   // it has a record that is shown
    bool live = false;                      // it is stored
  };

  void Violation(const std::string& text) { violations_.push_back(text + where_); }

  void ReadEntries() {
    for (const auto& [number, shard] : info_.shards) {
      const std::string prefix =
          table::ShardPrefix(info_.definition.id, number, table::StreamTag::kEntry);
      const auto it = store_.NewIterator(ColumnFamily::kStreams, {prefix, PrefixEnd(prefix)});
      std::vector<Entry>& entries = entries_[number];
      for (it->Seek(prefix); it->Valid(); it->Next())
        entries.push_back({table::SequenceOfShardKey(it->key()), std::string(it->value()), {}});
      for (Entry& entry : entries) CHECK(streams::DecodeStreamEntry(entry.bytes, entry.entry));
    }
  }

  // Where the table's records begin here: a root's vector covers what was applied before.
  std::vector<const conflict::Vector*> Roots() const {
    std::vector<const conflict::Vector*> roots;
    for (const auto& [number, shard] : info_.shards)
      if (!info_.shards.count(shard.parent)) roots.push_back(&shard.begin);
    return roots;
  }

  void CheckEntries(EndView& view) {
    std::vector<Dot> dots;
    for (const auto& [number, entries] : entries_) {
      for (const Entry& entry : entries) {
        const Dot dot = entry.entry.version.dot;
        dots.push_back(dot);
        if (!state_.applied.Covers(dot))
          Violation("the stream has " + Name(dot) + ", which was not applied");
      }
    }
    std::sort(dots.begin(), dots.end());
    for (auto at = dots.begin(); (at = std::adjacent_find(at, dots.end())) != dots.end(); ++at)
      Violation("the stream has " + Name(*at) + " twice");
    told_ = !view.history().records.empty();
    if (!told_) return;
    const std::vector<const conflict::Vector*> roots = Roots();
    auto place = dots.begin();  // the changes are sorted by dot, too
    for (const Change& change : view.All()) {
      const Dot dot = change.dot();
      while (place != dots.end() && *place < dot) ++place;
      const bool belongs =
          !change.is_table && change.table == info_.definition.table && state_.applied.Covers(dot);
      if (!belongs) continue;
      const bool before = std::any_of(roots.begin(), roots.end(),
                                      [&](const auto* root) { return root->Covers(dot); });
      if (before) {
        filled_ = true;
      } else if ((place == dots.end() || *place != dot) && info_.ended.value == 0) {
        Violation("change " + Name(dot) + " has no entry in the stream");
      }
      if (change.actor == streams::Actor::kTimeToLive) expired_.insert(dot);
    }
  }

  // Of the shards whose parents have been read, the newest first: the worst for who does not wait.
  void Replay() {
    std::set<Sequence> done;
    while (done.size() < info_.shards.size()) {
      Sequence next;
      for (const auto& [number, shard] : info_.shards)
        if (!done.count(number) && (!info_.shards.count(shard.parent) || done.count(shard.parent)))
          next = number;
      if (next.value == 0) return Violation("shards are in a ring");
      done.insert(next);
      for (const Entry& entry : entries_[next]) Apply(entry);
    }
  }

  void Apply(const Entry& read) {
    const StreamEntry& entry = read.entry;
    const auto say = [&](const char* what) {
      Violation("record " + Name(entry.version.dot) + what);
    };
    Item& item = items_[entry.key];
    if (read.sequence <= item.sequence) say(" is out of its item's order");
    item.sequence = read.sequence;
    if (entry.effect == Effect::kNone || entry.hidden) return;
    const bool here = entry.version.dot.log.region() == state_.log.region();
    if (entry.expired != (here && expired_.count(entry.version.dot) != 0) && told_)
      say(" is marked as expired, or should be,");
    if (!filled_ || item.changed) {
      if (entry.old_image.has_value() != item.image.has_value() ||
          (item.image && *entry.old_image != *item.image))
        say(" has another old image than was there");
      const Effect effect = !entry.new_image         ? Effect::kRemove
                            : item.image.has_value() ? Effect::kModify
                                                     : Effect::kInsert;
      if (entry.effect != effect) say(" tells another effect");
    }
    item.image = entry.new_image;
    item.changed = true;
  }

  void CheckItems() {
    const std::string prefix = table::ItemKey(info_.definition.table, "");
    const auto it = store_.NewIterator(ColumnFamily::kItems, {prefix, PrefixEnd(prefix)});
    for (it->Seek(prefix); it->Valid(); it->Next()) {
      table::StoredItem stored;
      CHECK(table::DecodeStoredItem(it->value(), stored));
      if (stored.tombstone) continue;
      const auto at = items_.find(table::KeyOfItemKey(it->key()));
      if (at != items_.end()) at->second.live = true;
      if (filled_ && (at == items_.end() || !at->second.changed)) continue;
      if (at == items_.end() || at->second.image != stored.image)
        Violation("the stream ends with another item than is stored, of " +
                  Name(stored.version.dot));
    }
    for (const auto& [key, item] : items_)
      if (item.image && !item.live)
        Violation("the stream ends with an item that is not stored: " + ToHex(key));
  }

  const KvStore& store_;
  const table::RegionState& state_;
  const table::StreamInfo& info_;
  const std::string where_;
  std::vector<std::string>& violations_;
  std::map<Sequence, std::vector<Entry>> entries_;
  std::unordered_map<std::string_view, Item> items_;  // by the entries' keys
  std::set<Dot> expired_;                             // deletions by TTL
  bool told_ = false;                                 // the history knows all changes
  bool filled_ = false;                               // there were changes before it began
};

}  // namespace

std::vector<std::string> CheckStreams(EndView& view) {
  std::vector<std::string> violations;
  for (size_t i = 0; i < view.size(); ++i) {
    const KvStore& store = *view.stores()[i];
    std::string value;
    table::RegionState state;
    CHECK(store.Get(ColumnFamily::kSystem, table::kRegionStateKey, &value).value());
    CHECK(table::DecodeRegionState(value, state));
    table::StreamCatalog catalog{streams::ShardPolicy()};
    if (const Status status = catalog.Load(store); !status.ok())
      violations.push_back(status.message() + " in region " + std::to_string(i));
    for (const table::StreamInfoPtr& info : catalog.List())
      // That of the conflict ledger shows no table's rows.
      if (info->definition.table != table::kLedgerTable)
        StreamCheck(store, state, *info, " in region " + std::to_string(i), violations).Run(view);
  }
  return violations;
}

}  // namespace everwrite::chaos
