#include "chaos/sim/workload.h"

#include "chaos/sim/sim_write.h"
#include "chaos/workload_item.h"
#include "region/table/row_change.h"

namespace everwrite::chaos {
namespace {

// An encoded key begins with a hash: what can be read of it.
std::string Readable(const std::string& key) {
  std::string text;
  for (const char c : key.size() > 8 ? key.substr(8) : key)
    if (c > ' ' && c < '\x7f') text += c;
  return text;
}

}  // namespace

Workload::Workload(Simulator& simulator, std::vector<std::unique_ptr<SimRegion>>& regions,
                   WorkloadOptions options)
    : simulator_(simulator), regions_(regions), options_(options) {
  for (size_t i = 0; i < options_.hot_keys; ++i) hot_keys_.emplace_back("hot" + std::to_string(i));
}

Workload::Key::Key(std::string name) : name(std::move(name)), encoded(EncodeSimKey(this->name)) {}

void Workload::Start() {
  CreateTable();
  for (size_t region = 0; region < regions_.size(); ++region) {
    for (size_t i = 0; i < options_.sessions_per_region; ++i) {
      const size_t session = sessions_.size();
      sessions_.push_back({region, simulator_.Stream("session", region * 1000 + i), {}, {}, 0});
      Next(session);
    }
  }
}

// Again and again until it exists: the region may crash before it does.
void Workload::CreateTable() {
  SimRegion& region = *regions_[0];
  if (region.serving() && region.engine().FindTable(kTable)) return;
  if (region.serving())
    region.engine().CreateTable(SimTable(kTable, options_.streamed), region.executor(),
                                [](auto) {});
  simulator_.After(200 * kMicrosPerMilli, [this] { CreateTable(); });
}

void Workload::ForgetRegion(size_t region) {
  for (Session& session : sessions_)
    if (session.region == region) {
      session.cause_key.clear();
      session.cause_version = {};
    }
  seen_.erase(region);
}

void Workload::Next(size_t session) {
  if (stopped_) return;
  const int64_t pause = sessions_[session].random.Between(1, 2 * options_.think_micros);
  simulator_.After(pause, [this, session] { Step(session); });
}

void Workload::Step(size_t index) {
  Session& session = sessions_[index];
  SimRegion& region = *regions_[session.region];
  Next(index);
  if (!region.serving() || !region.engine().FindTable(kTable)) return;
  Random& random = session.random;
  const Key& hot = hot_keys_[random.Below(hot_keys_.size())];
  const bool once = random.Chance(options_.once_percent, 100);
  const bool burst = options_.burst_micros > 0 && random.Chance(1, 4);
  if (random.Chance(options_.read_percent, 100)) {
    const bool old = once && !once_keys_.empty();
    const Key& key = old ? once_keys_[random.Below(once_keys_.size())] : burst ? BurstKey() : hot;
    Read(session, key.encoded);
  } else if (random.Chance(options_.mortal_percent, 100)) {
    mortal_keys_.push_back({index, ++session.once_keys});
    Write(index, mortal_keys_.back().AsKey(), 0);
  } else if (random.Chance(options_.mortal_percent, 100) && !mortal_keys_.empty()) {
    const size_t at = random.Below(mortal_keys_.size());
    const MortalKey key = mortal_keys_[at];
    mortal_keys_.erase(mortal_keys_.begin() + static_cast<std::ptrdiff_t>(at));
    Write(index, key.AsKey(), 100);
  } else if (burst) {
    Write(index, BurstKey(), 40);
  } else if (once) {
    once_keys_.emplace_back("once" + std::to_string(index) + "." +
                            std::to_string(++session.once_keys));
    Write(index, once_keys_.back(), 0);
  } else {
    Write(index, hot, options_.delete_percent);
  }
}

const Workload::Key& Workload::BurstKey() {
  std::string name = "burst" + std::to_string(simulator_.now().micros / options_.burst_micros);
  if (!burst_key_ || burst_key_->name != name) burst_key_.emplace(std::move(name));
  return *burst_key_;
}

bool Workload::IsMissing(const SimRegion& region, const std::string& key) const {
  const auto at = once_writes_.find(key);
  if (at == once_writes_.end()) return false;
  const HistoryWrite& write = history_.writes[at->second - 1];
  return write.outcome == Outcome::kAcknowledged && write.version != conflict::Version() &&
         !history_.WasLost(write.version.dot) &&
         region.engine().CommittedState().applied.Covers(write.version.dot);
}

void Workload::Read(Session& session, const std::string& key) {
  ++history_.reads;
  SimRegion& region = *regions_[session.region];
  const auto table = region.engine().FindTable(kTable);
  std::string buffer;
  const auto stored =
      table::ReadStored(region.store(), table::ItemKey(table->definition.id, key), &buffer);
  CHECK(stored.ok(), stored.status().ToString());
  // As reads of the product, which are refused while the table is filled by itself.
  if (!region.engine().IsWhole(table->definition.id)) return;
  if (!*stored) {
    // Never written here, or a tombstone that was stable and is forgotten.
    if (IsMissing(region, key)) Violation("a key is not there: " + Readable(key));
    return;
  }
  const std::string image((*stored)->image);
  CheckRead(session, key, (*stored)->version, (*stored)->tombstone ? nullptr : &image);
}

void Workload::CheckRead(Session& session, const std::string& key, const conflict::Version& version,
                         const std::string* image) {
  SimRegion& region = *regions_[session.region];
  conflict::Version& seen = seen_[session.region][key];
  if (version < seen) Violation("a key went back to an older version: " + Readable(key));
  seen = std::max(seen, version);
  const auto applied = region.engine().CommittedState().applied;
  if (!applied.Covers(version.dot)) Violation("an item is visible that the vector does not cover");
  if (image) {
    const auto item = DecodeSimItem(*image);
    CHECK(item.has_value());
    simulator_.Trace(item->id);
    if (!item->cause_key.empty()) {
      // Whoever sees the effect must see the cause, or what has replaced it.
      const auto table = region.engine().FindTable(kTable);
      std::string buffer;
      const auto cause = table::ReadStored(
          region.store(), table::ItemKey(table->definition.id, item->cause_key), &buffer);
      CHECK(cause.ok());
      // A tombstone shows nothing, as one does that is forgotten: a region that was filled may keep
      // an older one where the last has been forgotten elsewhere before it came (fill_plan.cc).
      const bool nothing = !*cause || ((*cause)->tombstone && (*cause)->version < item->cause);
      const bool there =
          nothing ? !IsMissing(region, item->cause_key) : (*cause)->version >= item->cause;
      if (!applied.Covers(item->cause.dot) || !there)
        Violation("write " + std::to_string(item->id) + " is visible before its cause");
    }
  }
  session.cause_key = key;
  session.cause_version = version;
}

void Workload::Write(size_t index, const Key& key, uint64_t delete_percent) {
  Session& session = sessions_[index];
  SimRegion& region = *regions_[session.region];
  Random& random = session.random;
  SimWrite::Kind kind = SimWrite::Kind::kPut;
  const bool once = key.name.starts_with("once");
  if (random.Chance(options_.conditional_percent, 100)) kind = SimWrite::Kind::kCreate;
  if (random.Chance(delete_percent, 100)) kind = SimWrite::Kind::kDelete;

  HistoryWrite& write = history_.Add();
  write.region = session.region;
  write.key = key.encoded;
  write.is_delete = kind == SimWrite::Kind::kDelete;
  write.once = once;
  if (once) once_writes_[write.key] = write.id;
  SimItem item{key.name, write.id, session.cause_key, session.cause_version};
  const uint64_t id = write.id;
  auto ended = [this, index, id](const Status& status, const SimWrite& operation) {
    HistoryWrite& ended_write = history_.At(id);
    simulator_.Trace(id * 2 + (status.ok() ? 1 : 0));
    if (!status.ok()) {
      ended_write.outcome = Outcome::kRefused;
      return;
    }
    ended_write.outcome = Outcome::kAcknowledged;
    ended_write.version = operation.committed;
    if (operation.committed == conflict::Version()) return;  // nothing was there to delete
    if (operation.committed < operation.replaced)
      Violation("write " + std::to_string(id) + " lost to a version that it saw");
    Session& its_session = sessions_[index];
    its_session.cause_key = ended_write.key;
    its_session.cause_version = operation.committed;
  };
  region.engine().Write(std::make_unique<SimWrite>(region.engine().FindTable(kTable), write.key,
                                                   kind, std::move(item), std::move(ended)),
                        region.executor());
}

void Workload::Violation(std::string text) {
  history_.violations.push_back("at " + std::to_string(simulator_.now().micros) +
                                " us: " + std::move(text));
}

}  // namespace everwrite::chaos
