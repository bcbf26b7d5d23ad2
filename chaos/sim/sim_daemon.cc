#include "chaos/sim/sim_daemon.h"

#include <algorithm>

#include "streams/change_record.h"

namespace everwrite::chaos {
namespace {

// The local link's one-way time. Constant, so that what is sent first arrives first.
constexpr int64_t kLinkMicros = 40;
// What the bus keeps for a process that does not read: beyond that it loses messages.
constexpr size_t kHeldMax = 3000;
constexpr const char* kCluster = "sim";

replicator::Options OptionsOf(const std::vector<RegionId>& ids, size_t index) {
  replicator::Options options;
  options.self = ids[index];
  for (const RegionId id : ids)
    if (id != options.self) options.peers.push_back(id);
  return options;
}

}  // namespace

template <typename Input>
void SimDaemon::Feed(Input&& input) {
  input(process_->core);
  CarryOut();
}

template <typename Run>
void SimDaemon::ToRegion(Run run) {
  // A process that was paused meanwhile writes to the connection of the former one.
  if (!region_.running() || process_->connected != region_.incarnation()) return;
  process_->executor.PostAfter(
      kLinkMicros, [this, incarnation = region_.incarnation(), run = std::move(run)]() mutable {
        if (!region_.running() || region_.incarnation() != incarnation) return;
        if (!region_.paused()) return run(region_.engine());
        region_.executor().Post([this, run]() mutable { run(region_.engine()); });
      });
}

template <typename Input>
void SimDaemon::FromRegion(Input input) {
  if (!process_) return;
  process_->executor.PostAfter(
      kLinkMicros, [this, incarnation = region_.incarnation(), input = std::move(input)]() mutable {
        if (!region_.running() || region_.incarnation() != incarnation) return;
        Feed(input);
      });
}

SimDaemon::Process::Process(Simulator& simulator, const replicator::Options& options, uint64_t seed)
    : executor(simulator), random(seed), core(options, random, simulator.now()) {}

SimDaemon::SimDaemon(Simulator& simulator, size_t index, const std::vector<RegionId>& ids,
                     SimRegion& region, SimNetwork& network, FindDaemon find)
    : simulator_(simulator),
      index_(index),
      ids_(ids),
      region_(region),
      network_(network),
      find_(std::move(find)),
      random_(simulator.Stream("replicator", index)),
      frame_random_(simulator.Stream("frames", index)) {
  region_.SetSendMail([this](RegionId to, std::string letter) { SendMail(to, std::move(letter)); });
  region_.SetOnAdmission([this] {
    if (process_) AttachRegion();
  });
  region_.AddOnCommit(
      [this](const table::CommitReport& report, const SimRegion::SharedState& state) {
        if (!process_) return;
        // As the local link: our own new records, then the state.
        if (!report.own.empty()) {
          FromRegion([this, batch = report.own](replicator::Replicator& core) {
            core.OnRecordsCommitted(batch, simulator_.now());
          });
        }
        FromRegion([this, state](replicator::Replicator& core) {
          core.OnRegionState(*state, simulator_.now());
        });
      });
}

SimDaemon::~SimDaemon() = default;

void SimDaemon::SendMail(RegionId to, std::string letter) {
  FromRegion([this, mail = streams::Mail{to, std::move(letter)}](replicator::Replicator& core) {
    core.OnRegionMail(mail, simulator_.now());
  });
}

void SimDaemon::Start() {
  CHECK(!process_);
  ++incarnation_;
  replicator::Options options = OptionsOf(ids_, index_);
  // Cruel bounds now and then: small batches, little credit, a cache that forgets.
  if (random_.Chance(cruel_percent_, 100)) {
    options.batch_bytes = 1000;
    options.credit_bytes = 40'000;
    options.cache_bytes = 2000;
    options.apply_bytes = 2000;
    options.fill_chunk = 3000;
    options.fill_window = 24000;
    options.fill_bytes_per_second = random_.Chance(1, 2) ? 50'000 : 0;
  }
  process_ = std::make_unique<Process>(simulator_, options, random_.Next());
  if (frame_bytes_ != 0)
    process_->writer = std::make_unique<replicator::FrameWriter>(kCluster, ids_[index_]);
  Feed([this](replicator::Replicator& core) {
    for (size_t peer = 0; peer < ids_.size(); ++peer)
      if (peer != index_ && network_.IsUp(index_, peer))
        core.OnPeerUp(ids_[peer], simulator_.now());
  });
  if (region_.running()) AttachRegion();
}

void SimDaemon::Crash() {
  CHECK(process_);
  process_->executor.Kill();
  process_.reset();
}

void SimDaemon::AttachRegion() {
  const streams::RegionState state = region_.engine().State();
  FromRegion([this, state](replicator::Replicator& core) {
    process_->connected = region_.incarnation();
    core.OnRegionState(state, simulator_.now());
  });
}

void SimDaemon::OnRegionStarted() {
  if (process_) AttachRegion();
}

void SimDaemon::OnRegionCrashed() {
  if (!process_) return;
  // The socket closes at once; what was on the way from the region is gone (FromRegion checks).
  process_->executor.Post([this] {
    process_->connected = 0;
    Feed([this](replicator::Replicator& core) { core.OnRegionDown(simulator_.now()); });
  });
}

void SimDaemon::OnLink(size_t peer, bool up) {
  if (!process_) return;
  InProcess([this, peer, up] {
    Feed([this, peer, up](replicator::Replicator& core) {
      up ? core.OnPeerUp(ids_[peer], simulator_.now())
         : core.OnPeerDown(ids_[peer], simulator_.now());
    });
  });
}

void SimDaemon::InProcess(std::function<void()> run) {
  if (!process_->executor.paused()) return run();
  process_->executor.Post(std::move(run));
}

void SimDaemon::OnMessage(size_t from, const replicator::Message& message) {
  if (!process_ || !network_.IsUp(index_, from)) return;
  const auto take = [this, from](const replicator::Message& taken) {
    Feed(
        [&](replicator::Replicator& core) { core.OnMessage(ids_[from], taken, simulator_.now()); });
  };
  if (!process_->executor.paused()) return take(message);
  if (process_->executor.held() < kHeldMax)
    process_->executor.Post([take, message] { take(message); });
}

// Of a message that is not whole nothing comes: the sessions will see the gap.
void SimDaemon::OnFrame(size_t from, const std::string& frame) {
  if (!process_) return;
  auto& reader = process_->readers[from];
  if (!reader)
    reader = std::make_unique<replicator::FrameReader>(kCluster, ids_[index_], ids_[from]);
  auto message = reader->Read(frame);
  if (message.ok() && *message) OnMessage(from, **message);
}

void SimDaemon::Send(size_t to, replicator::Message message) {
  if (frame_bytes_ == 0) {
    // Shared: it may arrive twice.
    auto sent = std::make_shared<const replicator::Message>(std::move(message));
    return network_.Send(
        index_, to, [this, to, sent = std::move(sent)] { find_(to)->OnMessage(index_, *sent); });
  }
  auto frames = process_->writer->Write(ids_[to], message, frame_bytes_);
  CHECK(frames.ok(), frames.status().ToString());
  if (frames->size() > 1)
    std::erase_if(*frames, [this](const std::string&) {
      return frame_random_.Chance(frame_loss_permille_, 1000);
    });
  network_.Send(index_, to, [this, to, frames = std::move(frames).value()] {
    for (const std::string& frame : frames) find_(to)->OnFrame(index_, frame);
  });
}

void SimDaemon::CarryOut() {
  replicator::Ready ready = process_->core.TakeReady(simulator_.now());
  for (streams::ApplyRequest& apply : ready.applies) Apply(std::move(apply));
  for (streams::FillRequest& fill : ready.fills) {
    ToRegion([this, fill = std::move(fill)](table::RegionEngine& engine) mutable {
      engine.Fill(std::move(fill), region_.executor(),
                  [this, asker = incarnation_](const streams::FillReply& answer) {
                    if (asker != incarnation_) return;
                    FromRegion([this, answer](replicator::Replicator& core) {
                      core.OnFillReply(answer, simulator_.now());
                    });
                  });
    });
  }
  for (const streams::ScanRequest& scan : ready.scans) {
    ToRegion([this, scan](table::RegionEngine& engine) {
      streams::ScanReply reply;
      reply.id = scan.id;
      auto chunk = engine.Scan(scan);
      if (chunk.ok()) {
        reply.chunk = std::move(chunk).value();
      } else {
        reply.status = chunk.status();
      }
      FromRegion([this, reply = std::move(reply)](replicator::Replicator& core) mutable {
        core.OnScanReply(std::move(reply), simulator_.now());
      });
    });
  }
  for (const auto& read : ready.reads) {
    ToRegion([this, read](table::RegionEngine& engine) {
      FromRegion([this, reply = engine.Read(read).value()](replicator::Replicator& core) {
        core.OnReadReply(reply, simulator_.now());
      });
    });
  }
  if (ready.progress) {
    ToRegion([this, progress = *ready.progress](table::RegionEngine& engine) {
      const int64_t before_ms = engine.clock().correction_ms();
      engine.OnProgress(progress);
      if (engine.clock().correction_ms() != before_ms) AttachRegion();
    });
  }
  for (streams::Mail& mail : ready.mails)
    ToRegion([this, mail = std::move(mail)](table::RegionEngine&) {
      region_.OnMail(mail.peer, mail.body);
    });
  for (const streams::PeerWord& word : ready.words)
    ToRegion(
        [this, word](table::RegionEngine& engine) { engine.OnWord(word, region_.executor()); });
  for (replicator::Outgoing& outgoing : ready.messages) {
    const size_t to = std::find(ids_.begin(), ids_.end(), outgoing.to) - ids_.begin();
    simulator_.Trace(outgoing.message.index() * 64 + to);
    if (!network_.IsUp(index_, to)) continue;
    Send(to, std::move(outgoing.message));
  }
  ScheduleWake(ready.wake_at);
}

void SimDaemon::Apply(streams::ApplyRequest request) {
  if (!split_transactions_) return ApplyOne(std::move(request), /*reply=*/true);
  for (size_t i = 0; i < request.batch.records.size(); ++i) {
    streams::ChangeRecord record;
    CHECK(streams::DecodeChangeRecord(*request.batch.records[i], record));
    record.transaction = 0;
    record.transaction_end = false;
    std::string bytes;
    streams::EncodeChangeRecord(record, bytes);
    streams::ApplyRequest one{request.id, {request.batch.log, record.dot.number, {}}};
    one.batch.records.push_back(std::make_shared<const std::string>(std::move(bytes)));
    ApplyOne(std::move(one), /*reply=*/i + 1 == request.batch.records.size());
  }
}

void SimDaemon::ApplyOne(streams::ApplyRequest request, bool reply) {
  ToRegion([this, request = std::move(request), reply](table::RegionEngine& engine) mutable {
    engine.Apply(std::move(request), region_.executor(),
                 [this, reply, asker = incarnation_](const streams::ApplyReply& answer) {
                   if (!reply || asker != incarnation_) return;
                   FromRegion([this, answer = answer](replicator::Replicator& core) {
                     core.OnApplyReply(answer, simulator_.now());
                   });
                 });
  });
}

void SimDaemon::ScheduleWake(Instant when) {
  when = std::max(when, simulator_.now());
  if (when.micros == INT64_MAX) return;
  if (process_->wake_scheduled && process_->wake_at <= when) return;
  process_->wake_scheduled = true;
  process_->wake_at = when;
  process_->executor.PostAfter(when - simulator_.now(), [this, when] {
    if (!process_->wake_scheduled || process_->wake_at != when) return;  // an earlier one came
    process_->wake_scheduled = false;
    Feed([this](replicator::Replicator& core) { core.OnTick(simulator_.now()); });
  });
}

}  // namespace everwrite::chaos
