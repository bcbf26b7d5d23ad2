#include "region/convergence/guard.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/mark.h"
#include "region/item/item.h"

namespace everwrite::convergence {
namespace {

using Match = table::DigestBook::Match;

constexpr size_t kEndedMax = 50;
constexpr int64_t kTickMicrosMax = kMicrosPerSecond;  // of scrubbing made up for after a pause

// Which tables are whole, for entries that come table by table: each is asked about once.
class WholeTables {
 public:
  explicit WholeTables(const table::RegionEngine& engine) : engine_(engine) {}
  bool Has(TableId table) {
    if (std::exchange(last_, table) != table) whole_ = engine_.IsWhole(table);
    return whole_;
  }

 private:
  const table::RegionEngine& engine_;
  std::optional<TableId> last_;
  bool whole_ = false;
};

}  // namespace

ConvergenceGuard::ConvergenceGuard(table::RegionEngine& engine, const Clock& clock,
                                   GuardOptions options, Send send, Note note)
    : engine_(engine),
      clock_(clock),
      options_(std::move(options)),
      send_(std::move(send)),
      note_(std::move(note)) {
  if (!options_.peers.empty()) (void)engine_.digests().TakeMoved(0);  // keep them from now on
}

GuardReport ConvergenceGuard::report() const {
  std::lock_guard lock(mutex_);
  GuardReport report = counts_;
  for (const auto& [place, finding] : open_) report.findings.push_back(finding);
  report.open = report.findings.size();
  report.findings.insert(report.findings.end(), ended_.begin(), ended_.end());
  return report;
}

void ConvergenceGuard::Tick(Executor&) {
  // While the region is being filled its rows are not those of its vector, and later for a while
  // its digests do not know all changes.
  if (!engine_.filling().IsComplete()) return;
  const Instant now = clock_.Now();
  const int64_t elapsed = last_tick_.micros < 0 ? 0 : std::min(now - last_tick_, kTickMicrosMax);
  last_tick_ = now;
  Scrub(elapsed);
  TakeLate();
  if (!options_.peers.empty()) Show();
  AskAboutSuspects(now);
}

void ConvergenceGuard::Show() {
  // What only we have, and a power cut could take back, is not shown: its numbers might be given
  // again.
  const conflict::Vector durable = engine_.committer().Durable();
  Digests digests;
  WholeTables whole(engine_);
  const auto stays = [&](const table::DigestBook::Entry& entry, bool moved) {
    if (!whole.Has(entry.table)) return false;  // it is being filled: shown in turn, later
    if (durable.Covers(entry.digest.touched) && !IsQuiet({entry.table, entry.bucket})) return true;
    if (moved) engine_.digests().PutBackMoved(entry.table, entry.bucket);
    return false;
  };
  digests.entries = engine_.digests().TakeMoved(options_.moved_per_tick);
  std::erase_if(digests.entries, [&](const auto& entry) { return !stays(entry, true); });
  auto others = engine_.digests().List(show_at_.first, show_at_.second, options_.others_per_tick);
  if (others.size() < options_.others_per_tick) {
    show_at_ = {};
  } else {
    show_at_ = {others.back().table, static_cast<uint16_t>(others.back().bucket + 1)};
  }
  digests.entries.reserve(digests.entries.size() + others.size());
  for (auto& entry : others)
    if (stays(entry, false)) digests.entries.push_back(std::move(entry));
  if (digests.entries.empty()) return;
  const std::string letter = EncodeLetter(digests);
  for (const RegionId peer : options_.peers) send_(peer, letter);
}

void ConvergenceGuard::AskAboutSuspects(Instant now) {
  size_t quiet = 0;
  for (auto at = suspects_.begin(); at != suspects_.end();) {
    const Place place = at->first;
    Suspect& suspect = at->second;
    ++at;
    if (place.first != table::kCatalogTable && !engine_.FindTableById(place.first)) {
      if (suspect.repairs_open == 0) Close(place);  // and so are its rows
      continue;
    }
    if (suspect.quiet && now - suspect.quiet_since >= options_.quiet_us &&
        suspect.repairs_open == 0) {
      Close(place);  // if they differ, that is a finding
      continue;
    }
    const bool due = suspect.asked_at.micros < 0 || now - suspect.asked_at >= options_.ask_again_us;
    if (!due || suspect.repairs_open != 0) continue;
    if (suspect.quiet && ++quiet > options_.quiet_per_tick) continue;
    Ask(place, suspect, now);
  }
}

void ConvergenceGuard::TakeLate() {
  const std::vector<table::RemoteApply::Late> changes = engine_.TakeLate();
  if (changes.empty() || options_.peers.empty()) return;
  const conflict::Vector applied = engine_.committer().CommittedState().applied;
  for (const table::RemoteApply::Late& late : changes) {
    if (!engine_.FindTableById(late.table)) continue;
    const Place place{late.table, table::BucketOf(table::ItemKey(late.table, late.key))};
    const auto [at, fresh] = suspects_.try_emplace(place);
    Suspect& suspect = at->second;
    if (!fresh && !suspect.quiet) continue;  // it is looked at already
    suspect.finding.table = place.first;
    suspect.finding.bucket = place.second;
    suspect.finding.differs_from = late.dot.log.region();
    suspect.quiet = applied;
    suspect.quiet_since = clock_.Now();
    suspect.asked_at = {-1};
  }
}

bool ConvergenceGuard::IsQuiet(Place place) const {
  const auto at = suspects_.find(place);
  return at != suspects_.end() && at->second.quiet;
}

void ConvergenceGuard::Scrub(int64_t elapsed_us) {
  if (options_.scrub_rows_per_second == 0) return;
  const int64_t rate = static_cast<int64_t>(options_.scrub_rows_per_second);
  scrub_credit_ = std::min(scrub_credit_ + rate * elapsed_us / kMicrosPerSecond, rate);
  // An empty bucket costs a seek: as much as some rows.
  constexpr int64_t kBucketCost = 4;
  uint64_t rows = 0;
  if (scrub_credit_ <= 0) return;
  table::BucketCounter counter(engine_.store());
  while (scrub_credit_ > 0) {
    const auto next = NextToScrub(counter);
    if (!next) {
      if (scrub_at_ != Place{}) {
        std::lock_guard lock(mutex_);
        ++counts_.scrub_passes;
      }
      scrub_at_ = {};
      break;  // the next pass begins with the next tick
    }
    const Place place = *next;
    const auto count = counter.Count(place.first, place.second);
    // What cannot be read at all is wrong as well. A table that goes takes its digests along.
    if ((!count.ok() || !count->sound()) &&
        (place.first == table::kCatalogTable || engine_.FindTableById(place.first)))
      Suspicion(place, true, RegionId{});
    // What nobody repairs may have been put right by a write, or by hand.
    if (const auto at = suspects_.find(place); at != suspects_.end() && count.ok() &&
                                               count->sound() && at->second.finding.damaged_here &&
                                               at->second.repairs_open == 0)
      Close(place);
    const int64_t cost = kBucketCost + (count.ok() ? static_cast<int64_t>(count->rows) : 0);
    rows += count.ok() ? count->rows : 0;
    scrub_credit_ -= cost;
    scrub_at_ = {place.first, static_cast<uint16_t>(place.second + 1)};
    if (place.second + 1u == table::kBuckets || place.first == table::kCatalogTable)
      scrub_at_ = {TableId{place.first.value + 1}, 0};
  }
  std::lock_guard lock(mutex_);
  counts_.scrubbed_rows += rows;
}

// The first bucket from scrub_at_ on that has a digest or rows: either may be there by mistake.
std::optional<ConvergenceGuard::Place> ConvergenceGuard::NextToScrub(
    table::BucketCounter& counter) const {
  std::optional<Place> next = engine_.digests().First(scrub_at_.first, scrub_at_.second);
  const auto row = counter.FirstWithRows(scrub_at_.first, scrub_at_.second);
  if (row && *row >= scrub_at_ && (!next || *row < *next)) next = row;
  return next;
}

void ConvergenceGuard::OnMail(RegionId from, std::string_view bytes, Executor& executor) {
  Letter letter;
  if (!engine_.filling().IsComplete() || !DecodeLetter(bytes, letter)) return;
  TakeLate();
  if (const auto* digests = std::get_if<Digests>(&letter)) return Compare(from, *digests);
  if (const auto* ask = std::get_if<AskPage>(&letter)) return Answer(from, *ask);
  if (const auto* ask = std::get_if<AskRows>(&letter)) return Answer(from, *ask);
  if (const auto* page = std::get_if<PageReply>(&letter)) return OnPage(from, *page, executor);
  if (auto* rows = std::get_if<RowsReply>(&letter)) return OnRows(from, std::move(*rows), executor);
}

void ConvergenceGuard::Compare(RegionId from, const Digests& digests) {
  uint64_t equal = 0, moving = 0;
  // They come table by table.
  std::span<const table::DigestBook::Entry> rest(digests.entries);
  while (!rest.empty()) {
    const TableId table = rest.front().table;
    const auto end = std::find_if(rest.begin(), rest.end(),
                                  [table](const auto& entry) { return entry.table != table; });
    const auto of_table = rest.first(static_cast<size_t>(end - rest.begin()));
    rest = rest.subspan(of_table.size());
    if (!engine_.IsWhole(table)) continue;  // not held here, or being filled
    const std::vector<Match> matches = engine_.digests().Compare(table, of_table);
    for (size_t i = 0; i < matches.size(); ++i) {
      const Place place{table, of_table[i].bucket};
      if (matches[i] == Match::kMoving) {
        ++moving;
      } else if (matches[i] == Match::kEqual) {
        ++equal;
        // What was different is so no more: by our repair or theirs.
        const auto at = suspects_.find(place);
        if (at != suspects_.end() && !at->second.finding.damaged_here &&
            at->second.finding.differs_from == from && at->second.repairs_open == 0)
          Close(place);
      } else if (IsQuiet(place)) {
        ++moving;
      } else {
        Reach(Mark::kBucketsDiffer);
        Suspicion(place, false, from);
      }
    }
  }
  std::lock_guard lock(mutex_);
  counts_.compared_equal += equal;
  counts_.compared_moving += moving;
}

void ConvergenceGuard::Suspicion(Place place, bool damaged_here, RegionId differs_from) {
  const auto [at, fresh] = suspects_.try_emplace(place);
  const bool news = fresh || at->second.quiet;
  at->second.quiet.reset();
  Finding& finding = at->second.finding;
  finding.table = place.first;
  finding.bucket = place.second;
  if (finding.found_ms == 0) finding.found_ms = clock_.PhysicalMillis();
  finding.damaged_here |= damaged_here;
  if (differs_from.value != 0) finding.differs_from = differs_from;
  {
    std::lock_guard lock(mutex_);
    open_[place] = finding;
    if (news) ++counts_.found;
  }
  if (news)
    note_(finding, damaged_here ? "rows do not add up to their digest"
                                : "rows differ from another region's");
}

ConvergenceGuard::Suspect* ConvergenceGuard::Find(Place place, uint64_t ask_id) {
  const auto at = suspects_.find(place);
  return at == suspects_.end() || at->second.ask_id != ask_id ? nullptr : &at->second;
}

void ConvergenceGuard::Ask(Place place, Suspect& suspect, Instant now) {
  // Definitions are compared, and never repaired by machine.
  if (options_.peers.empty() || place.first == table::kCatalogTable) return;
  if (!engine_.IsWhole(place.first)) return;  // nobody else has it, or it is being filled
  // The one that differs first, then the others in turn.
  const std::vector<RegionId>& peers = options_.peers;
  const RegionId first = suspect.finding.differs_from;
  if ((suspect.quiet || suspect.asked_at.micros < 0) &&
      std::find(peers.begin(), peers.end(), first) != peers.end()) {
    suspect.asked = suspect.finding.differs_from;
  } else {
    const auto at = std::find(peers.begin(), peers.end(), suspect.asked);
    suspect.asked = at == peers.end() || at + 1 == peers.end() ? peers.front() : *(at + 1);
  }
  suspect.asked_at = now;
  suspect.ask_id = next_id_++;
  suspect.faults = false;
  suspect.whole = false;
  suspect.wanted.clear();
  send_(suspect.asked, EncodeLetter(AskPage{suspect.ask_id, place.first, place.second, ""}));
}

void ConvergenceGuard::Answer(RegionId from, const AskPage& ask) {
  if (!engine_.IsWhole(ask.table)) return;
  auto page =
      table::ReadBucketPage(engine_.store(), ask.table, ask.bucket, ask.after, options_.page_rows);
  if (!page.ok()) return;  // they ask another region
  send_(from, EncodeLetter(PageReply{ask.id, ask.table, ask.bucket, std::move(page).value()}));
}

void ConvergenceGuard::Answer(RegionId from, const AskRows& ask) {
  if (!engine_.IsWhole(ask.table)) return;
  RowsReply reply{ask.id, ask.table, {}};
  size_t bytes = 0;
  for (const std::string& key : ask.keys) {
    RowsReply::Row& row = reply.rows.emplace_back();
    row.key = key;
    const auto found =
        engine_.store().Get(ColumnFamily::kItems, table::ItemKey(ask.table, key), &row.value);
    if (!found.ok()) return;
    if (!*found) row.value.clear();
    bytes += row.value.size();
    if (bytes >= options_.reply_bytes_max) break;  // they ask for the rest again
  }
  send_(from, EncodeLetter(std::move(reply)));
}

void ConvergenceGuard::OnPage(RegionId from, const PageReply& reply, Executor& executor) {
  const Place place{reply.table, reply.bucket};
  Suspect* suspect = Find(place, reply.id);
  if (!suspect || suspect->asked != from || suspect->whole || !engine_.IsWhole(reply.table)) return;
  const table::BucketPage& theirs = reply.page;
  if (suspect->quiet && !theirs.standing.applied.Covers(*suspect->quiet)) return;
  // Our rows of the same keys, now.
  auto ours =
      table::ReadBucketPage(engine_.store(), reply.table, reply.bucket, theirs.after, SIZE_MAX);
  if (!ours.ok()) return;
  if (!theirs.end)
    std::erase_if(ours->rows, [&](const auto& row) { return row.key > theirs.through; });
  if (!ours->standing.sound) {
    if (suspect->quiet) Suspicion(place, true, RegionId{});  // that is news
    suspect->finding.damaged_here = true;
  }
  suspect->theirs = theirs.said;

  size_t a = 0, b = 0;
  while (a < ours->rows.size() || b < theirs.rows.size()) {
    const bool have_a = a < ours->rows.size(), have_b = b < theirs.rows.size();
    const int order = !have_a ? 1 : !have_b ? -1 : ours->rows[a].key.compare(theirs.rows[b].key);
    const table::RowSummary* our_row = order <= 0 ? &ours->rows[a].row : nullptr;
    const table::RowSummary* their_row = order >= 0 ? &theirs.rows[b].row : nullptr;
    const std::string& key = order <= 0 ? ours->rows[a].key : theirs.rows[b].key;
    switch (table::Judge(our_row, ours->standing, their_row, theirs.standing)) {
      case table::Judgement::kAgree:
      case table::Judgement::kTheirs: break;
      case table::Judgement::kTake:
        suspect->faults = true;
        if (suspect->wanted.size() < options_.repairs_per_ask)
          suspect->wanted[key] = our_row ? std::optional(*our_row) : std::nullopt;
        break;
      case table::Judgement::kDrop: {
        suspect->faults = true;
        // A tombstone of the row's own version.
        const auto definition = engine_.FindTableById(reply.table);
        std::string value;
        const auto found =
            engine_.store().Get(ColumnFamily::kItems, table::ItemKey(reply.table, key), &value);
        table::StoredItem row;
        if (!definition || !found.ok() || !*found || !table::DecodeStoredItem(value, row)) break;
        const std::string image =
            item::KeyAttributesOf(definition->definition.key, item::ItemView(row.image));
        std::string tombstone;
        table::EncodeStoredItem({row.version, true, image}, tombstone);
        Repair(place, key, *our_row, std::move(tombstone), executor);
        break;
      }
    }
    a += order <= 0;
    b += order >= 0;
  }
  if (!theirs.end) {
    send_(from, EncodeLetter(AskPage{reply.id, reply.table, reply.bucket, theirs.through}));
    return;
  }
  suspect->whole = true;
  if (!suspect->wanted.empty()) {
    AskRows ask{reply.id, reply.table, {}};
    for (const auto& [key, row] : suspect->wanted) ask.keys.push_back(key);
    send_(from, EncodeLetter(std::move(ask)));
  } else if (suspect->repairs_open == 0) {
    RoundEnded(place, executor);
  }
}

void ConvergenceGuard::OnRows(RegionId from, RowsReply reply, Executor& executor) {
  for (auto& [place, suspect] : suspects_) {
    if (suspect.ask_id != reply.id || suspect.asked != from || place.first != reply.table) continue;
    for (RowsReply::Row& row : reply.rows) {
      const auto wanted = suspect.wanted.extract(row.key);
      // What they no longer have is judged anew in the next round.
      if (wanted.empty() || row.value.empty()) continue;
      Repair(place, std::move(row.key), wanted.mapped(), std::move(row.value), executor);
    }
    suspect.asked_at = {-1};  // the next round tells what is left
    return;
  }
}

void ConvergenceGuard::Repair(Place place, std::string key,
                              std::optional<table::RowSummary> expected, std::string value,
                              Executor& executor) {
  Suspect& suspect = suspects_.at(place);
  ++suspect.repairs_open;
  engine_.repair().Replace(place.first, key, std::move(expected), std::move(value), executor,
                           [this, place, key](const Status& status) {
                             const auto at = suspects_.find(place);
                             if (at == suspects_.end()) return;
                             Suspect& suspect = at->second;
                             --suspect.repairs_open;
                             if (!status.ok()) return;  // it has changed: judged anew
                             Finding& finding = suspect.finding;
                             ++finding.repaired;
                             if (finding.keys.size() < Finding::kKeysMax)
                               finding.keys.push_back(key);
                             suspect.asked_at = {-1};
                             std::lock_guard lock(mutex_);
                             if (!suspect.quiet) open_[place] = finding;
                             Reach(Mark::kRowRepaired);
                             ++counts_.repaired_rows;
                           });
}

// Everything of the bucket was held against another region's, and nothing of ours is wrong.
void ConvergenceGuard::RoundEnded(Place place, Executor& executor) {
  Suspect& suspect = suspects_.at(place);
  if (suspect.faults) return;  // some could not be repaired: again
  const auto count = table::CountBucket(engine_.store(), place.first, place.second);
  if (!count.ok()) return;
  if (count->sound()) {
    // Ours is right. Where they differ from us they will find out, and show an equal digest.
    suspect.finding.damaged_here = false;
    // Of what came late its maker has said all; others may have been late themselves.
    if (suspect.quiet ? suspect.asked == suspect.finding.differs_from
                      : suspect.finding.differs_from.value == 0 || suspect.finding.repaired > 0 ||
                            suspect.theirs == count->said)
      Close(place);
    return;
  }
  // The error is the same at any time: proper changes move rows and digest alike.
  ++suspect.repairs_open;
  engine_.repair().AdjustDigest(place.first, place.second, count->sum - count->said.sum, executor,
                                [this, place](const Status&) {
                                  const auto at = suspects_.find(place);
                                  if (at == suspects_.end()) return;
                                  --at->second.repairs_open;
                                  at->second.asked_at = {-1};
                                });
}

void ConvergenceGuard::Close(Place place) {
  const auto at = suspects_.find(place);
  Finding finding = std::move(at->second.finding);
  const bool quiet = at->second.quiet.has_value();
  suspects_.erase(at);
  if (quiet) return;
  finding.ended_ms = clock_.PhysicalMillis();
  note_(finding, "all is equal again");
  std::lock_guard lock(mutex_);
  open_.erase(place);
  ended_.push_front(std::move(finding));
  if (ended_.size() > kEndedMax) ended_.pop_back();
}

}  // namespace everwrite::convergence
