#include "chaos/sim/pair_workload.h"

#include "chaos/sim/workload.h"
#include "chaos/workload_item.h"

namespace everwrite::chaos {
namespace {

constexpr int kTimesSent = 5;
constexpr uint64_t kCreatePercent = 10;  // of the transactions, on condition that nothing is there

using Stored = std::vector<std::optional<std::string_view>>;

class PairTransaction : public table::TransactionOperation {
 public:
  using Ended = std::function<void(const Status&, const std::vector<conflict::Version>& committed)>;
  // `mutations` must last as long as `ended`.
  PairTransaction(const std::vector<table::Mutation>& mutations, bool create, Ended ended)
      : mutations_(mutations), create_(create), ended_(std::move(ended)) {}

  Result<std::vector<table::Mutation>> Evaluate(const Stored& stored) override {
    if (create_ && (stored[0] || stored[1])) return ConditionFailed("exists");
    return mutations_;
  }
  void Repeat(const Stored&) override {}
  void Done(const Status& status) override { ended_(status, committed); }

 private:
  const std::vector<table::Mutation>& mutations_;
  const bool create_;
  const Ended ended_;
};

}  // namespace

PairWorkload::PairWorkload(Simulator& simulator, std::vector<std::unique_ptr<SimRegion>>& regions,
                           PairOptions options, History& history)
    : simulator_(simulator), regions_(regions), options_(options), history_(history) {
  for (size_t i = 0; i < options_.pairs; ++i) {
    Pair& pair = pairs_.emplace_back();
    const std::string name = "pair" + std::to_string(i);
    pair.names = {name + "a", name + "b"};
    for (size_t at = 0; at < 2; ++at) pair.keys[at] = EncodeSimKey(pair.names[at]);
  }
}

void PairWorkload::Start() {
  for (size_t region = 0; region < regions_.size(); ++region)
    for (size_t i = 0; i < options_.sessions_per_region; ++i) {
      sessions_.push_back({region, simulator_.Stream("pair session", region * 1000 + i)});
      Next(sessions_.size() - 1);
    }
}

void PairWorkload::Next(size_t index) {
  if (stopped_) return;
  const int64_t pause = sessions_[index].random.Between(1, 2 * options_.think_micros);
  simulator_.After(pause, [this, index] {
    Next(index);
    Session& session = sessions_[index];
    SimRegion& at = *regions_[session.region];
    if (!at.serving() || !at.engine().FindTable(Workload::kTable)) return;
    if (session.random.Chance(options_.read_percent, 100)) {
      Read(session);
    } else {
      Begin(index);
    }
  });
}

void PairWorkload::Read(Session& session) {
  ++history_.reads;
  const size_t region = session.region;
  const Pair& pair = DrawPair(session.random);
  table::RegionEngine& engine = regions_[region]->engine();
  const auto table = engine.FindTable(Workload::kTable);
  std::array<uint64_t, 2> ids{};
  const Status status =
      engine.GetTogether({{table, pair.keys[0]}, {table, pair.keys[1]}},
                         [&](size_t index, std::optional<std::string_view> stored) -> Status {
                           if (stored) ids[index] = DecodeSimItem(*stored)->id;
                           return {};
                         });
  CHECK(status.ok(), status.ToString());
  simulator_.Trace(ids[0]);
  const bool whole = ids[0] == 0 ? ids[1] == 0 : ids[1] == ids[0] + 1;
  if (!whole)
    history_.violations.push_back(
        "at " + std::to_string(simulator_.now().micros) + " us: region " + std::to_string(region) +
        " shows half a transaction: " + pair.names[0] + " is of write " + std::to_string(ids[0]) +
        ", " + pair.names[1] + " of " + std::to_string(ids[1]));
}

void PairWorkload::Begin(size_t index) {
  Session& session = sessions_[index];
  auto attempt = std::make_shared<Attempt>();
  attempt->session = index;
  attempt->region = session.region;
  const Pair& pair = DrawPair(session.random);
  attempt->pair = &pair;
  attempt->is_delete = session.random.Chance(options_.delete_percent, 100);
  attempt->create = session.random.Chance(kCreatePercent, 100);
  for (size_t i = 0; i < 2; ++i) {
    HistoryWrite& write = history_.Add();
    write.region = session.region;
    write.key = pair.keys[i];
    write.is_delete = attempt->is_delete;
    write.in_transaction = true;
    attempt->writes[i] = write.id;
    if (attempt->is_delete) {
      attempt->mutations.push_back(
          {table::Mutation::Kind::kDelete, EncodeSimKeyItem(pair.names[i])});
    } else {
      attempt->mutations.push_back(
          {table::Mutation::Kind::kPut, EncodeSimItem({pair.names[i], write.id, "", {}})});
    }
  }
  Send(attempt, kTimesSent);
}

void PairWorkload::Send(std::shared_ptr<const Attempt> attempt, int times_left) {
  const bool open = history_.At(attempt->writes[0]).outcome == Outcome::kUnknown;
  if (!open || times_left == 0) return;
  SimRegion& region = *regions_[attempt->region];
  if (region.serving() && region.engine().FindTable(Workload::kTable)) {
    auto operation = std::make_unique<PairTransaction>(
        attempt->mutations, attempt->create,
        [this, attempt](const Status& status, const std::vector<conflict::Version>& committed) {
          OnEnded(*attempt, status, committed);
        });
    const auto table = region.engine().FindTable(Workload::kTable);
    for (const std::string& key : attempt->pair->keys) operation->items.push_back({table, key});
    operation->token = "token" + std::to_string(attempt->writes[0]);
    operation->fingerprint = std::string(16, 'f');
    region.engine().Transact(std::move(operation), region.executor());
  }
  // Impatient: now and then before the answer can have come.
  const int64_t patience = sessions_[attempt->session].random.Between(1, 1000) * kMicrosPerMilli;
  simulator_.After(patience,
                   [this, attempt, times_left] { Send(attempt, stopped_ ? 0 : times_left - 1); });
}

void PairWorkload::OnEnded(const Attempt& attempt, const Status& status,
                           const std::vector<conflict::Version>& committed) {
  for (size_t i = 0; i < 2; ++i) {
    HistoryWrite& write = history_.At(attempt.writes[i]);
    simulator_.Trace(write.id * 2 + (status.ok() ? 1 : 0));
    // A refusal after an answer, or the other way round, says nothing: what was refused once may be
    // carried out when it is sent again, and then stays so.
    if (status.ok()) {
      write.outcome = Outcome::kAcknowledged;
      if (!committed.empty()) write.version = committed[i];
    } else if (write.outcome == Outcome::kUnknown) {
      write.outcome = Outcome::kRefused;
    }
  }
}

}  // namespace everwrite::chaos
