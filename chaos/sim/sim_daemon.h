// A replicator of the simulated world: the product's core, driven by events. What a driver does
// with sockets is done here with delays: requests to the region and messages to the peers are
// carried out in the order the core asks for.
//
// Thread-safety: none.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "chaos/sim/sim_network.h"
#include "chaos/sim/sim_region.h"
#include "chaos/sim/simulator.h"
#include "replicator/messages_codec.h"
#include "replicator/replicator.h"

namespace everwrite::chaos {

class SimDaemon {
 public:
  using FindDaemon = std::function<SimDaemon*(size_t region)>;

  SimDaemon(Simulator& simulator, size_t index, const std::vector<RegionId>& ids, SimRegion& region,
            SimNetwork& network, FindDaemon find);
  ~SimDaemon();

  void Start();
  void Crash();
  bool running() const { return process_ != nullptr; }
  // Handles nothing until it is resumed; messages wait, as many as the bus keeps.
  void Pause() { process_->executor.Pause(); }
  void Resume() { process_->executor.Resume(); }
  bool paused() const { return process_->executor.paused(); }
  streams::ReplicationStatus status() const { return process_->core.status(simulator_.now()); }
  // Of its starts so many percent are with tiny bounds.
  void SetCruelty(int64_t percent) { cruel_percent_ = static_cast<uint64_t>(percent); }
  // Messages travel as the bytes of frames of at most so many bytes, each of which may be lost; 0:
  // as they are.
  void SetFrames(int64_t bytes, int64_t loss_permille) {
    frame_bytes_ = static_cast<size_t>(bytes);
    frame_loss_permille_ = static_cast<uint64_t>(loss_permille);
  }
  // No more frames are lost.
  void CalmDown() { frame_loss_permille_ = 0; }
  // A planted bug, to prove that the checkers see it: a transaction is handed to the region change
  // by change, without its marks (with them the region would refuse it).
  void PlantSplitTransactions(bool planted) { split_transactions_ = planted; }

  // The region beside it; called whether the daemon runs or not.
  void OnRegionStarted();
  void OnRegionCrashed();
  // The connections to a peer.
  void OnLink(size_t peer, bool up);
  void OnMessage(size_t from, const replicator::Message& message);
  void OnFrame(size_t from, const std::string& frame);

 private:
  struct Process {
    Process(Simulator& simulator, const replicator::Options& options, uint64_t seed);
    ProcessExecutor executor;
    Random random;
    replicator::Replicator core;
    std::unique_ptr<replicator::FrameWriter> writer;
    std::map<size_t, std::unique_ptr<replicator::FrameReader>> readers;  // by region
    uint64_t connected = 0;  // to this incarnation of the region; 0: to none
    Instant wake_at{};
    bool wake_scheduled = false;
  };
  // Runs `input` on the core, then carries out what the core wants.
  template <typename Input>
  void Feed(Input&& input);
  void CarryOut();
  void ScheduleWake(Instant when);
  void AttachRegion();
  void Send(size_t to, replicator::Message message);
  // Now; when the process is paused, when it goes on.
  void InProcess(std::function<void()> run);
  void SendMail(RegionId to, std::string letter);
  void Apply(streams::ApplyRequest request);
  void ApplyOne(streams::ApplyRequest request, bool reply);
  // Over the local link, in order: later, and not at all when either end has died meanwhile.
  // Once, so what runs may give away what it holds: run(table::RegionEngine&),
  // input(replicator::Replicator&).
  template <typename Run>
  void ToRegion(Run run);
  template <typename Input>
  void FromRegion(Input input);

  Simulator& simulator_;
  const size_t index_;
  const std::vector<RegionId> ids_;
  SimRegion& region_;
  SimNetwork& network_;
  const FindDaemon find_;
  Random random_;
  Random frame_random_;
  uint64_t cruel_percent_ = 0;
  size_t frame_bytes_ = 0;
  uint64_t frame_loss_permille_ = 0;
  bool split_transactions_ = false;
  uint64_t incarnation_ = 0;  // of the process: replies to a dead one are dropped
  std::unique_ptr<Process> process_;
};

}  // namespace everwrite::chaos
