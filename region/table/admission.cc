#include "region/table/admission.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/mark.h"
#include "base/planted.h"

namespace everwrite::table {
namespace {

using streams::PeerWord;

// A process says that it is there twice a second. Unheard for so long, it has ended.
constexpr uint64_t kGoneMillis = 2000;
// Heard for so long after another one was first heard, it is another one, and nothing late.
constexpr uint64_t kTogetherMillis = 1500;
// Another process that may be there is waited for up to so long beyond the wait.
constexpr int64_t kOtherWaitMicros = 4 * kMicrosPerSecond;

}  // namespace

Admission::Admission(AdmissionOptions options, streams::Life life, bool fresh, Instant now)
    : options_(std::move(options)),
      life_(std::move(life)),
      fresh_(fresh),
      started_(now),
      whole_(options_.peers.empty()),
      missed_since_(now) {
  life_.admitted = options_.peers.empty();
}

Admission::Other Admission::Judge(const PeerWord::Sighting& mine, const PeerWord::Sighting& other) {
  if (other.last_age_ms >= kGoneMillis) return Other::kNone;
  const auto rank = [](bool admitted, const streams::Life& life) {
    return std::tuple(!admitted, life.started_ms, life.id);
  };
  const bool first = rank(other.life.admitted, other.life) < rank(life_.admitted, life_);
  const bool together = mine.first_age_ms >= other.last_age_ms + kTogetherMillis;
  if (first) return together ? Other::kGoesFirst : Other::kMayBe;
  if (together) twin_ = other.life;
  return Other::kNone;
}

void Admission::OnWord(const PeerWord& word, Instant) {
  holds_.Merge(word.holds);
  const auto mine =
      std::find_if(word.sightings.begin(), word.sightings.end(),
                   [this](const PeerWord::Sighting& one) { return one.life.id == life_.id; });
  if (mine == word.sightings.end()) return;  // said before it had heard of us
  heard_.insert(word.peer);
  bool may_be = false;
  twin_.reset();
  for (const PeerWord::Sighting& other : word.sightings) {
    if (other.life.id == life_.id) continue;
    const Other verdict = Judge(*mine, other);
    may_be |= verdict == Other::kMayBe;
    if (verdict != Other::kGoesFirst) continue;
    refused_ = true;
    reason_ = "another process serves this region: " + other.life.who +
              ". Two of one region must not run: stop that one first, or give this one a region of "
              "its own";
  }
  may_be_[word.peer] = may_be;
}

std::vector<RegionId> Admission::Waiting() const {
  std::vector<RegionId> waiting;
  for (const RegionId peer : options_.peers)
    if (heard_.count(peer) == 0) waiting.push_back(peer);
  return waiting;
}

Admission::Decision Admission::Decide(LogId log, const conflict::Vector& applied, Instant now) {
  if (beginning_) return Decision::kNothing;
  if (refused_) return Decision::kRefuse;
  if (Planted(PlantedBug::kNumbersAgain)) {
    const bool admits = !life_.admitted && now - started_ >= options_.wait_us;
    life_.admitted |= admits;
    whole_ |= admits;
    return admits ? Decision::kAdmit : Decision::kNothing;
  }
  if (holds_.At(log) > applied.At(log)) {
    reason_ = "a peer holds " + std::to_string(holds_.At(log)) + " changes of our log, we " +
              std::to_string(applied.At(log)) + ": the data here is older";
    beginning_ = true;
    whole_ = false;
    Reach(Mark::kLogBegunAnew);
    return Decision::kNewLog;
  }
  if (life_.admitted) return JudgeWhole(applied, now);
  const bool other =
      std::any_of(may_be_.begin(), may_be_.end(), [](const auto& entry) { return entry.second; });
  const int64_t waited = now - started_;
  if (other && waited < options_.wait_us + kOtherWaitMicros) return Decision::kNothing;
  if (Waiting().empty() || (fresh_ && waited >= options_.wait_us)) {
    life_.admitted = true;
    (void)JudgeWhole(applied, now);
    return Decision::kAdmit;
  }
  if (waited < options_.wait_us) return Decision::kNothing;
  Reach(Mark::kLogBegunForSilence);
  reason_ = "not every peer has said what it holds of our log";
  beginning_ = true;
  return Decision::kNewLog;
}

Admission::Decision Admission::JudgeWhole(const conflict::Vector& applied, Instant now) {
  if (whole_) return Decision::kNothing;
  uint64_t missing = 0;
  for (const Dot& dot : holds_.entries())
    missing += dot.number - std::min(dot.number, applied.At(dot.log));
  if (missing != missing_) missed_since_ = now;
  missing_ = missing;
  // One that has not spoken yet may hold more.
  const bool all_spoke = Waiting().empty() || now - started_ >= options_.wait_us;
  const bool waits = missing == 0 ? !all_spoke : now - missed_since_ < options_.stall_us;
  if (missing != 0) Reach(Mark::kOwnTailAwaited);
  if (waits && !Planted(PlantedBug::kServesWithoutTail)) return Decision::kNothing;
  whole_ = true;
  unproven_ = !waits && (missing != 0 || !Waiting().empty());
  reason_.clear();
  if (missing != 0)
    reason_ =
        std::to_string(missing) +
        " changes of our own that a peer holds are not here: nobody who can be asked has them";
  return Decision::kWhole;
}

void Admission::Began() {
  beginning_ = false;
  fresh_ = true;
  life_.admitted = true;
}

}  // namespace everwrite::table
