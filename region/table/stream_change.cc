#include "region/table/stream_change.h"

#include <utility>

#include "region/item/item.h"
#include "region/table/row_change.h"

namespace everwrite::table {

using streams::Effect;
using streams::StreamEntry;

StreamChange::Plans StreamChange::PlanFor(std::shared_ptr<TableStream> stream,
                                          const std::optional<StoredItem>& before, bool tombstone,
                                          std::string_view image) {
  Plans plans;
  if (!stream) return plans;
  const bool was_live = before && !before->tombstone;
  plans.effect = tombstone ? Effect::kRemove : was_live ? Effect::kModify : Effect::kInsert;
  // Images have one form: equal content is equal bytes, and no event (DynamoDB's rule).
  plans.hidden = tombstone ? !was_live : was_live && before->image == image;
  if (was_live && ShowsOldImage(stream->definition().view)) plans.old_image = before->image;
  plans.stream = std::move(stream);
  return plans;
}

StreamChange StreamChange::Plan(const KvStore& store, const TableState& table,
                                const std::optional<StoredItem>& before, const NewRow& after) {
  StreamChange change;
  change.store_ = &store;
  change.expired_ = after.expired;
  change.plans_ = PlanFor(table.Stream(), before, after.tombstone, after.image);
  return change;
}

StreamChange StreamChange::PlanBehind(const TableState& table, const StoredItem& before,
                                      const NewRow& after) {
  StreamChange change;
  change.behind_ = before;
  change.expired_ = after.expired;
  change.plans_ = PlanFor(table.Stream(), before, after.tombstone, after.image);
  return change;
}

void StreamChange::AddTo(CommitTurn& turn, const TableState& table, std::string_view store_key,
                         const StoredItem& row) const {
  std::shared_ptr<TableStream> stream = table.Stream();
  if (!stream) return;
  if (stream == plans_.stream) return Add(turn, plans_, store_key, row);
  std::string buffer;
  std::optional<StoredItem> before = behind_;
  if (store_) {
    // A row that cannot be read now could be read a moment ago. Its change is told without an old
    // image, as an insertion.
    auto stored = ReadStored(*store_, store_key, &buffer);
    if (stored.ok()) before = std::move(stored).value();
  }
  const bool lost = !store_ && !behind_;
  Plans plans = PlanFor(std::move(stream), before, row.tombstone, row.image);
  if (lost) plans.effect = Effect::kNone;
  Add(turn, plans, store_key, row);
}

void StreamChange::Add(CommitTurn& turn, const Plans& plans, std::string_view store_key,
                       const StoredItem& row) const {
  const StreamDefinition& definition = plans.stream->definition();
  StreamEntry entry;
  entry.effect = plans.effect;
  entry.version = row.version;
  entry.key = KeyOfItemKey(store_key);
  std::string keys;
  if (entry.effect != Effect::kNone) {
    entry.hidden = plans.hidden;
    entry.expired = expired_;
    if (entry.effect != Effect::kRemove && ShowsNewImage(definition.view))
      entry.new_image = row.image;
    if (plans.old_image) entry.old_image = *plans.old_image;
    if (!entry.new_image && !entry.old_image) {
      keys = item::KeyAttributesOf(definition.key, item::ItemView(row.image));
      entry.key_attributes = keys;
    }
  }
  plans.stream->Add(turn, entry);
}

}  // namespace everwrite::table
