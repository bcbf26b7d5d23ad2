#include "chaos/sim/roaming_workload.h"

#include <algorithm>

#include "chaos/sim/sim_write.h"
#include "chaos/sim/workload.h"
#include "region/table/row_change.h"

namespace everwrite::chaos {
namespace {

constexpr int64_t kWaitMicros = 1 * kMicrosPerSecond;      // for a token, in the region
constexpr int64_t kPatienceMicros = 3 * kMicrosPerSecond;  // of the client, for its answer
constexpr int kRefusalsMax = 5;
constexpr uint64_t kReadPercent = 50;
constexpr uint64_t kDeletePercent = 15;
constexpr uint64_t kOwnKeys = 3;
constexpr uint64_t kSharedKeys = 2;  // which nobody deletes: who has seen one must find it

std::string NameOf(size_t client, uint64_t key) {
  if (key >= kOwnKeys) return "roaming shared " + std::to_string(key - kOwnKeys);
  return "roaming " + std::to_string(client) + "." + std::to_string(key);
}

}  // namespace

void RoamingWorkload::Start() {
  for (size_t i = 0; i < options_.clients; ++i) {
    clients_.push_back({simulator_.Stream("roaming client", i), {}, {}, 0, false, {}, 0});
    Next(i);
  }
}

void RoamingWorkload::Next(size_t client) {
  if (stopped_) return;
  const int64_t pause = clients_[client].random.Between(1, 2 * options_.think_micros);
  simulator_.After(pause, [this, client] {
    Next(client);
    Step(client);
  });
}

void RoamingWorkload::Step(size_t index) {
  Client& client = clients_[index];
  if (client.busy) {
    if (simulator_.now().micros - client.since.micros < kPatienceMicros) return;
    OnRefused(client);  // the region died, or stands still
  }
  const size_t at = client.random.Below(regions_.size());
  SimRegion& region = *regions_[at];
  if (!region.serving() || !region.engine().FindTable(Workload::kTable)) return;
  client.busy = true;
  client.since = simulator_.now();
  const uint64_t request = ++client.request;
  session::SessionGate& gate = region.sessions();
  if (client.token.empty()) return Serve(index, at);
  auto wanted = gate.Parse(client.token);
  CHECK(wanted.ok(), wanted.status().ToString());
  if (gate.IsReached(*wanted)) return Serve(index, at);
  gate.Wait(std::move(*wanted), kWaitMicros, region.executor(),
            [this, index, at, request](bool reached) {
              Client& waiting = clients_[index];
              if (waiting.request != request || !waiting.busy) return;
              if (!reached || !regions_[at]->serving()) return OnRefused(waiting);
              Serve(index, at);
            });
  region.executor().PostAfter(kWaitMicros, [this, &gate] { (void)gate.Expire(simulator_.now()); });
}

void RoamingWorkload::Serve(size_t index, size_t region) {
  Random& random = clients_[index].random;
  const uint64_t key = random.Below(kOwnKeys + kSharedKeys);
  const bool is_delete = key < kOwnKeys && random.Chance(kDeletePercent, 100);
  if (random.Chance(kReadPercent, 100)) {
    Read(index, region, NameOf(index, key));
  } else {
    Write(index, region, NameOf(index, key), is_delete);
  }
}

void RoamingWorkload::Read(size_t index, size_t region, const std::string& name) {
  ++history_.reads;
  Client& client = clients_[index];
  SimRegion& at = *regions_[region];
  const auto table = at.engine().FindTable(Workload::kTable);
  if (!at.engine().IsWhole(table->definition.id)) return OnRefused(client);
  const std::string key = EncodeSimKey(name);
  std::string buffer;
  const auto stored =
      table::ReadStored(at.store(), table::ItemKey(table->definition.id, key), &buffer);
  CHECK(stored.ok(), stored.status().ToString());
  Known& known = client.known[key];
  const bool lost = history_.WasLost(known.version.dot);
  const bool live = *stored && !(*stored)->tombstone;
  simulator_.Trace(live ? (*stored)->version.dot.number : 0);
  // Without a row: never written, or deleted and forgotten.
  const bool older =
      *stored ? (*stored)->version < known.version
              : known.live && known.open_deletes == 0 && !(known.version < known.deleted);
  if (older && !lost)
    Violation("client " + std::to_string(index) + " with the token of what it has seen reads " +
              (*stored ? "an older version of " : "nothing of ") + name + " in region " +
              std::to_string(at.id().value));
  if (*stored) known.version = (*stored)->version;
  known.live = live;
  OnAnswer(client, at);
}

void RoamingWorkload::Write(size_t index, size_t region, const std::string& name, bool is_delete) {
  SimRegion& at = *regions_[region];
  HistoryWrite& write = history_.Add();
  write.region = region;
  write.key = EncodeSimKey(name);
  write.is_delete = is_delete;
  if (is_delete) ++clients_[index].known[write.key].open_deletes;
  const uint64_t id = write.id;
  const uint64_t request = clients_[index].request;
  auto ended = [this, index, region, id, request, is_delete](const Status& status,
                                                             const SimWrite& operation) {
    HistoryWrite& ended_write = history_.At(id);
    simulator_.Trace(id * 2 + (status.ok() ? 1 : 0));
    ended_write.outcome = status.ok() ? Outcome::kAcknowledged : Outcome::kRefused;
    ended_write.version = operation.committed;
    if (status.ok() && operation.committed != conflict::Version() &&
        operation.committed < operation.replaced)
      Violation("write " + std::to_string(id) + " lost to a version that it saw");
    if (is_delete && status.ok()) {
      Known& known = clients_[index].known[ended_write.key];
      --known.open_deletes;
      known.deleted = std::max(known.deleted, operation.committed);
    }
    // Answered too late, to a client that has gone on.
    if (clients_[index].request != request || !clients_[index].busy) return;
    OnWritten(index, region, id, status, operation.committed);
  };
  at.engine().Write(
      std::make_unique<SimWrite>(at.engine().FindTable(Workload::kTable), write.key,
                                 is_delete ? SimWrite::Kind::kDelete : SimWrite::Kind::kPut,
                                 SimItem{name, id, "", {}}, std::move(ended)),
      at.executor());
}

void RoamingWorkload::OnWritten(size_t index, size_t region, uint64_t id, const Status& status,
                                const conflict::Version& committed) {
  Client& client = clients_[index];
  if (!status.ok()) return OnRefused(client);
  const HistoryWrite& write = history_.At(id);
  Known& known = client.known[write.key];
  known.live = !write.is_delete;
  if (committed == conflict::Version()) return OnAnswer(client, *regions_[region]);  // none there
  if (committed < known.version && !history_.WasLost(known.version.dot))
    Violation("write " + std::to_string(id) + " of client " + std::to_string(index) +
              " is older than what it had seen");
  known.version = committed;
  OnAnswer(client, *regions_[region]);
  const auto token = regions_[region]->sessions().Parse(client.token);
  CHECK(token.ok(), token.status().ToString());
  if (!token->Covers(committed.dot))
    Violation("the token of the answer does not cover write " + std::to_string(id));
}

void RoamingWorkload::OnAnswer(Client& client, SimRegion& region) {
  ++answers_;
  client.busy = false;
  client.refused = 0;
  client.token = region.sessions().Token();
}

void RoamingWorkload::OnRefused(Client& client) {
  client.busy = false;
  if (++client.refused < kRefusalsMax) return;
  client.refused = 0;
  client.token.clear();
  for (auto& [key, known] : client.known) {
    known.version = {};
    known.live = false;
  }
}

void RoamingWorkload::Finish() {
  // A token may name what went with a disk; nobody has it any more.
  if (!history_.lost_disks.empty()) return;
  for (size_t i = 0; i < clients_.size(); ++i) {
    if (clients_[i].token.empty()) continue;
    for (const auto& region : regions_) {
      const auto wanted = region->sessions().Parse(clients_[i].token);
      CHECK(wanted.ok(), wanted.status().ToString());
      if (!region->sessions().IsReached(*wanted))
        Violation("region " + std::to_string(region->id().value) +
                  " does not reach the token of client " + std::to_string(i) + ": " +
                  region->sessions().Missing(*wanted));
    }
  }
}

void RoamingWorkload::Violation(std::string text) {
  history_.violations.push_back("at " + std::to_string(simulator_.now().micros) +
                                " us: " + std::move(text));
}

}  // namespace everwrite::chaos
