#include "chaos/sim/stream_workload.h"

#include <algorithm>

#include "chaos/sim/workload.h"
#include "chaos/workload_item.h"
#include "streams/change_record.h"

namespace everwrite::chaos {
namespace {

using table::testing::ConsumedRecord;

constexpr size_t kRoundsMax = 1000;   // of reading what is left
constexpr size_t kViolationsMax = 4;  // told
constexpr size_t kPageRecords = 1000;
constexpr size_t kPagesMax = 100;  // of one look, where it reads all there is

std::string Name(Dot dot) {
  return std::to_string(dot.log.region().value) + ":" + std::to_string(dot.number);
}

}  // namespace

StreamWorkload::StreamWorkload(Simulator& simulator,
                               std::vector<std::unique_ptr<SimRegion>>& regions,
                               StreamOptions options, History& history)
    : simulator_(simulator),
      regions_(regions),
      options_(options),
      history_(history),
      random_(simulator.Stream("stream consumer")),
      consumer_(kSimStreamMs, Workload::kTable) {}

void StreamWorkload::Start() {
  if (options_.think_micros > 0) Next();
}

void StreamWorkload::Next() {
  simulator_.After(random_.Between(1, 2 * options_.think_micros), [this] {
    if (finished_) return;
    Look();
    Next();
  });
}

void StreamWorkload::Move() {
  consumer_.Move();
  at_ = random_.Below(regions_.size());
  ++moved_;
}

// A region that was filled has a stream that begins with items in the table.
bool StreamWorkload::HasAll(size_t region) const {
  const auto stream = regions_[region]->engine().Streams().Find(Workload::kTable, kSimStreamMs);
  if (!stream || stream->shards.empty()) return false;
  const conflict::Vector& before = stream->shards.front().begin;
  return std::none_of(history_.records.begin(), history_.records.end(), [&](const auto& record) {
    streams::ChangeRecord change;
    return before.Covers(record.first) && streams::DecodeChangeRecord(*record.second, change) &&
           change.subject == streams::Subject::kItem;
  });
}

void StreamWorkload::Look() {
  Random& random = random_;
  if (random.Chance(options_.move_percent, 100) || !regions_[at_]->serving()) return Move();
  if (!begun_ && !HasAll(at_)) return Move();
  Status status;
  if (random.Chance(1, 4)) {
    std::vector<ConsumedRecord> records;
    status = consumer_.ReadPart(regions_[at_]->engine().Streams(), random.Below(5), 0, records);
    Have(records);
    Move();  // what it has had of the page goes with it
  } else if (random.Chance(1, 4)) {
    // Up to the end: who lags more and more reads all that it lacks at every move.
    status = Read(kPageRecords, kPagesMax);
  } else {
    status = Read(1 + random.Below(20), 1 + random.Below(5));
  }
  begun_ |= status.ok();
  // Trimmed: this region was filled, and does not have what comes next for us.
  if (status.code() == StatusCode::kFailedPrecondition) return Move();
  if (!status.ok() && status.code() != StatusCode::kNotFound) Violation(status.ToString());
}

Status StreamWorkload::Read(size_t limit, size_t calls) {
  std::vector<ConsumedRecord> records;
  const Status status = consumer_.Read(regions_[at_]->engine().Streams(), limit, calls, 0, records);
  Have(records);
  return status;
}

void StreamWorkload::Have(const std::vector<ConsumedRecord>& records) {
  for (const ConsumedRecord& record : records) {
    const Dot dot = record.version.dot;
    simulator_.Trace(dot.number);
    if (!dots_.insert(dot).second) Violation("saw " + Name(dot) + " twice");
    ConsumedRecord& last = items_[record.key];
    if (record.version <= last.version && !history_.WasLost(last.version.dot))
      Violation("saw " + Name(dot) + " after " + Name(last.version.dot) + " of the same item");
    last = record;
  }
}

void StreamWorkload::Finish() {
  finished_ = true;
  if (!begun_ || !regions_[0]->engine().FindTable(Workload::kTable)) return;
  // What was lost is given up; then one region or the other has what comes next.
  for (size_t i = 0; i < regions_.size(); ++i) {
    consumer_.Move(/*give_up=*/true);
    at_ = (at_ + 1) % regions_.size();
    if (Read(1, 1).code() != StatusCode::kFailedPrecondition) break;
    if (i + 1 == regions_.size()) return;  // all were filled since
  }
  for (size_t round = 0; round < kRoundsMax; ++round) {
    const size_t before = dots_.size();
    if (const Status status = Read(1000, 1000); !status.ok()) return Violation(status.ToString());
    if (dots_.size() == before && round > 50) break;
  }
  const table::TablePtr table = regions_[at_]->engine().FindTable(Workload::kTable);
  std::set<std::string> live;
  CHECK(regions_[at_]
            ->engine()
            .Scan(*table, {},
                  [&](std::string_view key, std::string_view image) {
                    live.insert(std::string(key));
                    const auto at = items_.find(std::string(key));
                    if (at == items_.end()) {
                      Violation("never saw an item that is stored");
                    } else if (at->second.new_image != image &&
                               !history_.WasLost(at->second.version.dot)) {
                      Violation("saw another item last than is stored: " +
                                Name(at->second.version.dot));
                    }
                    return true;
                  })
            .ok());
  for (const auto& [key, record] : items_)
    if (record.effect != streams::Effect::kRemove && !live.count(key) &&
        !history_.WasLost(record.version.dot))
      Violation("saw an item last that is deleted: " + Name(record.version.dot));
}

void StreamWorkload::Violation(const std::string& text) {
  if (++violations_ > kViolationsMax) return;
  history_.violations.push_back("at " + std::to_string(simulator_.now().micros) +
                                " us: the stream's consumer " + text);
}

}  // namespace everwrite::chaos
