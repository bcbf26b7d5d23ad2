#include "chaos/sim/placed_workload.h"

#include "chaos/workload_item.h"

namespace everwrite::chaos {
namespace {

using table::Replica;

constexpr int64_t kRetryMicros = 300 * kMicrosPerMilli;
constexpr uint64_t kFirstId = 1ULL << 40;  // of a write; those of the other tables are below
constexpr uint64_t kDeletePercent = 20;

class BlindWrite : public table::WriteOperation {
 public:
  BlindWrite(table::TablePtr table, std::string key, table::Mutation mutation)
      : WriteOperation(std::move(table), std::move(key)), mutation_(std::move(mutation)) {}
  Result<table::Mutation> Evaluate(std::optional<std::string_view>) override { return mutation_; }
  void Done(const Status&) override {}

 private:
  const table::Mutation mutation_;
};

// Takes the region in, or out. One at a time, as the API does.
Status Toggle(table::TableDefinition& definition, RegionId region) {
  for (const auto& [other, replica] : definition.replicas)
    if (replica.state != Replica::State::kActive) return FailedPrecondition("another is moving");
  const auto at = definition.replicas.find(region);
  if (at == definition.replicas.end()) {
    definition.replicas[region].state = Replica::State::kCreating;
  } else {
    at->second.state = Replica::State::kDeleting;
  }
  return {};
}

}  // namespace

void PlacedWorkload::Start() {
  if (options_.sessions_per_region == 0) return;
  Create();
  for (size_t region = 0; region < regions_.size(); ++region)
    for (size_t i = 0; i < options_.sessions_per_region; ++i) {
      sessions_.push_back({region, simulator_.Stream("placed session", region * 1000 + i)});
      Next(sessions_.size() - 1);
    }
}

// Until it is there: the region may crash before, or lose its disk afterwards.
void PlacedWorkload::Create() {
  if (stopped_) return;
  SimRegion& region = *regions_[0];
  if (region.serving() && !region.engine().FindDescribed(kTable)) {
    table::TableDefinition definition = SimTable(kTable);
    definition.replicas[region.id()] = {};
    region.engine().CreateTable(std::move(definition), region.executor(), [](const auto&) {});
  }
  simulator_.After(kRetryMicros, [this] { Create(); });
}

void PlacedWorkload::Move(size_t moved) {
  SimRegion& region = *regions_[0];
  if (moved == 0 || !region.serving() || !region.engine().FindTable(kTable)) return;
  region.engine().UpdateTable(
      kTable,
      [id = regions_[moved]->id()](table::TableDefinition& definition) {
        return Toggle(definition, id);
      },
      region.executor(),
      [this](const Result<table::TablePtr>& table) {
        simulator_.Trace(table.ok() ? "placed" : "not placed");
        moves_ += table.ok() ? 1 : 0;
      });
}

void PlacedWorkload::Next(size_t session) {
  if (stopped_) return;
  Random& random = sessions_[session].random;
  simulator_.After(random.Between(1, 2 * options_.think_micros), [this, session] {
    Next(session);
    SimRegion& region = *regions_[sessions_[session].region];
    if (region.serving() && region.engine().FindTable(kTable))
      Write(region, sessions_[session].random);
  });
}

void PlacedWorkload::Write(SimRegion& region, Random& random) {
  SimItem item;
  item.pk = "placed" + std::to_string(random.Below(options_.keys));
  item.id = kFirstId + ++written_;
  table::Mutation mutation{table::Mutation::Kind::kPut, EncodeSimItem(item)};
  if (random.Chance(kDeletePercent, 100))
    mutation = {table::Mutation::Kind::kDelete, EncodeSimKeyItem(item.pk)};
  region.engine().Write(std::make_unique<BlindWrite>(region.engine().FindTable(kTable),
                                                     EncodeSimKey(item.pk), std::move(mutation)),
                        region.executor());
}

bool PlacedWorkload::IsSettled() const {
  for (const auto& region : regions_) {
    if (!region->running()) return false;
    if (!region->engine().fills().empty()) return false;
    const auto table = region->engine().FindDescribed(kTable);
    if (!table) continue;
    for (const auto& [id, replica] : table->definition.replicas)
      if (replica.state != Replica::State::kActive) return false;
  }
  return true;
}

}  // namespace everwrite::chaos
