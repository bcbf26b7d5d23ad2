#include "chaos/sim/ttl_workload.h"

#include "chaos/sim/sim_write.h"
#include "chaos/sim/workload.h"
#include "chaos/workload_item.h"
#include "region/table/layout.h"
#include "region/table/row_change.h"

namespace everwrite::chaos {
namespace {

constexpr int64_t kEarliestSeconds = -2;  // of an expiry, from the time it is written
constexpr int64_t kLatestSeconds = 4;
constexpr uint64_t kForeverPercent = 15;
constexpr int64_t kRetryMicros = 300 * kMicrosPerMilli;

std::string NameOf(uint64_t key) { return "ttl" + std::to_string(key); }

}  // namespace

TtlWorkload::TtlWorkload(Simulator& simulator, std::vector<std::unique_ptr<SimRegion>>& regions,
                         TtlOptions options, History& history)
    : simulator_(simulator), regions_(regions), options_(options), history_(history) {}

void TtlWorkload::Start() {
  if (options_.sessions_per_region == 0) return;
  TurnOn();
  for (size_t region = 0; region < regions_.size(); ++region)
    for (size_t i = 0; i < options_.sessions_per_region; ++i) {
      sessions_.push_back({region, simulator_.Stream("ttl session", region * 1000 + i)});
      Next(sessions_.size() - 1);
    }
}

void TtlWorkload::Stop() {
  stopped_ = true;
  if (options_.sessions_per_region > 0) TurnOn();
}

void TtlWorkload::SetTtl(size_t region, bool on) {
  SimRegion& at = *regions_[region];
  if (!at.serving() || !at.engine().FindTable(Workload::kTable)) return;
  at.engine().UpdateTable(
      Workload::kTable,
      [on](table::TableDefinition& definition) {
        if (definition.ttl.attribute.empty() != on) return FailedPrecondition("it is so already");
        definition.ttl = {on ? std::string(kSimExpiry) : "", {}, 0};
        return OkStatus();
      },
      at.executor(), [](const auto&) {});
}

void TtlWorkload::TurnOn() {
  SimRegion& region = *regions_[0];
  const auto table = region.serving() ? region.engine().FindTable(Workload::kTable) : nullptr;
  if (table && !table->definition.ttl.attribute.empty() && !stopped_) return;
  SetTtl(0, true);
  // In the end also against what other regions have said at the same time.
  simulator_.After(kRetryMicros, [this] { TurnOn(); });
}

void TtlWorkload::Next(size_t session) {
  if (stopped_) return;
  const int64_t pause = sessions_[session].random.Between(1, 2 * options_.think_micros);
  simulator_.After(pause, [this, session] {
    Next(session);
    SimRegion& region = *regions_[sessions_[session].region];
    if (region.serving() && region.engine().FindTable(Workload::kTable)) Put(session);
  });
}

void TtlWorkload::Put(size_t session) {
  const size_t index = sessions_[session].region;
  SimRegion& region = *regions_[index];
  Random& random = sessions_[session].random;
  const std::string name = NameOf(random.Below(options_.keys));
  HistoryWrite& write = history_.Add();
  write.region = index;
  write.key = EncodeSimKey(name);
  const uint64_t id = write.id;
  SimItem item{name, id, "", {}};
  if (!random.Chance(kForeverPercent, 100))
    item.expiry =
        static_cast<uint64_t>(static_cast<int64_t>(region.engine().State().physical_ms / 1000) +
                              random.Between(kEarliestSeconds, kLatestSeconds));
  auto ended = [this, id](const Status& status, const SimWrite& operation) {
    HistoryWrite& ended_write = history_.At(id);
    simulator_.Trace(id * 2 + (status.ok() ? 1 : 0));
    ended_write.outcome = status.ok() ? Outcome::kAcknowledged : Outcome::kRefused;
    ended_write.version = operation.committed;
  };
  region.engine().Write(
      std::make_unique<SimWrite>(region.engine().FindTable(Workload::kTable), write.key,
                                 SimWrite::Kind::kPut, std::move(item), std::move(ended)),
      region.executor());
}

bool TtlWorkload::AllExpired() const {
  if (options_.sessions_per_region == 0) return true;
  for (const auto& region : regions_) {
    if (!region->serving()) return false;
    const auto table = region->engine().FindTable(Workload::kTable);
    if (!table) continue;
    for (uint64_t i = 0; i < options_.keys; ++i) {
      std::string buffer;
      const auto stored = table::ReadStored(
          region->store(), table::ItemKey(table->definition.id, EncodeSimKey(NameOf(i))), &buffer);
      CHECK(stored.ok(), stored.status().ToString());
      const auto item = *stored && !(*stored)->tombstone ? DecodeSimItem((*stored)->image)
                                                         : std::optional<SimItem>();
      if (item && item->expiry != 0) return false;
    }
  }
  return true;
}

}  // namespace everwrite::chaos
