#include "cli/chaos_load.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "cli/chaos_call.h"

namespace everwrite::cli {
namespace {

constexpr int64_t kTickMs = 20;
constexpr int64_t kSampleMs = 500;
// A sender hears with heartbeats what has arrived: below this its word says nothing.
constexpr int64_t kAckGrainMs = 1200;
constexpr int kTransactTries = 8;
constexpr std::chrono::milliseconds kTransactPause{300};

int64_t NowMicros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Recorder::Recorder() : begin_us_(NowMicros()) {}

int64_t Recorder::Now() const { return NowMicros() - begin_us_; }

void Recorder::Add(chaos::ObservedOp op) {
  const std::lock_guard lock(mutex_);
  history_.ops.push_back(std::move(op));
}

Recorder::Counts Recorder::Since(size_t first) const {
  const std::lock_guard lock(mutex_);
  Counts counts;
  for (size_t i = first; i < history_.ops.size(); ++i)
    counts.unknown += history_.ops[i].outcome == chaos::Outcome::kUnknown ? 1 : 0;
  counts.operations = history_.ops.size();
  return counts;
}

chaos::ObservedHistory Recorder::Take() {
  const std::lock_guard lock(mutex_);
  return std::move(history_);
}

void RunClient(chaos::Client client, const ChaosWorld& world, const chaos::WorkloadSpec& workload,
               Recorder& recorder, const std::atomic<bool>& stop) {
  std::map<std::string, std::unique_ptr<HttpSession>> sessions;
  const int64_t pace_us = 1'000'000 / static_cast<int64_t>(workload.rate);
  int64_t next = recorder.Now();
  while (!stop) {
    const chaos::Request request = client.Next(recorder.Now());
    auto& session = sessions[request.region];
    if (session == nullptr) session = std::make_unique<HttpSession>(world.Endpoint(request.region));
    const ChaosCall call = MakeCall(request);
    const int64_t begin = recorder.Now();
    const auto ask = [&] {
      return Understand(request, session->Call("POST", "/",
                                               {.timeout_ms = workload.timeout_us / 1000,
                                                .headers = call.headers,
                                                .body = call.body}));
    };
    chaos::Reply reply = ask();
    // A transaction bears a token: it is asked for again until it is known what became of it.
    for (int tries = 1; request.act == chaos::Act::kTransact && tries < kTransactTries && !stop &&
                        reply.outcome == chaos::Outcome::kUnknown;
         ++tries) {
      std::this_thread::sleep_for(kTransactPause);
      reply = ask();
    }
    const int64_t end = recorder.Now();
    recorder.Add(client.Told(request, reply, begin, end));
    // After a pause the rate is what it was, not what would catch up.
    next = std::max(next + pace_us, end - pace_us);
    while (!stop && recorder.Now() < next)
      std::this_thread::sleep_for(
          std::chrono::microseconds(std::min<int64_t>(next - recorder.Now(), 50'000)));
  }
}

Sampler::Sampler(const ChaosWorld& world, const Recorder& recorder)
    : thread_([this, &world, &recorder] { Run(world, recorder); }) {}

void Sampler::Stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void Sampler::Run(const ChaosWorld& world, const Recorder& recorder) {
  while (!stop_) {
    std::map<std::string, int64_t> lags;
    for (const RegionPlan& region : world.plan().regions) {
      const auto status = FetchRegionStatus(region.admin.ToString(), kSampleMs);
      if (!status.ok()) continue;
      const int64_t now = recorder.Now();
      conflicts[region.name].push_back({now, (*status)["conflicts"].AsInt()});
      for (const JsonValue& link : (*status)["links"].items()) {
        // The receiver knows how late the last change came; who sends, since when the oldest
        // waits.
        const bool sends = link["from"].AsString() == region.name;
        const int64_t lag = link[sends ? "oldest_ms" : "lag_ms"].AsInt(-1);
        if (lag < 0 || (sends && lag < kAckGrainMs)) continue;
        int64_t& most = lags[link["from"].AsString() + " -> " + link["to"].AsString()];
        most = std::max(most, lag);
      }
    }
    for (const auto& [name, lag] : lags) lag_ms[name].push_back({recorder.Now(), lag});
    for (int64_t slept = 0; slept < kSampleMs && !stop_; slept += kTickMs)
      std::this_thread::sleep_for(std::chrono::milliseconds(kTickMs));
  }
}

}  // namespace everwrite::cli
