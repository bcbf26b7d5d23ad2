#include "chaos/checkers/observed_checks.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace everwrite::chaos {
namespace {

struct Written {
  const ObservedOp* op = nullptr;
  uint64_t order = 0;
};

std::string At(const ObservedOp& op) {
  return " in " + op.region + " at " + std::to_string(op.begin_us / 1000) + " ms (session " +
         std::to_string(op.session) + ")";
}

std::string Seen(uint64_t id) { return id == 0 ? "nothing" : "write " + std::to_string(id); }

class Checker {
 public:
  explicit Checker(const ObservedHistory& history) : history_(history) {
    for (const ObservedOp& op : history.ops) {
      if (op.act == Act::kFound) tombstones_[op.items[0].key].insert(op.items[0].order);
      if (op.act == Act::kLost) lost_[op.region].push_back(op.begin_us);
      if (!op.IsWrite()) continue;
      for (const ObservedItem& item : op.items) {
        writes_[item.id] = {&op, item.order};
        if (op.act == Act::kDelete && item.order != 0) tombstones_[item.key].insert(item.order);
        if (op.act == Act::kDelete) deleted_.insert(item.key);
      }
    }
  }

  ObservedVerdicts Run() {
    CheckRegions();
    CheckSessions();
    CheckSnapshots();
    CheckCounters();
    CheckConditions();
    CheckIntegrity();
    CheckScans();
    return std::move(verdicts_);
  }

 private:
  // The latest that is known to have been shown, by kind of who it binds.
  struct Floors {
    uint64_t all = 0;
    uint64_t deletion = 0;
    uint64_t cause = 0;
    std::map<uint64_t, uint64_t> written;  // by session
    std::map<uint64_t, uint64_t> read;
    uint64_t Highest() const { return std::max(all, cause); }
  };

  uint64_t OrderOf(uint64_t id) const {
    const auto at = writes_.find(id);
    return at == writes_.end() ? 0 : at->second.order;
  }

  // Of a read that found nothing: the first deletion that explains it, or 0.
  uint64_t DeletionFrom(const std::string& key, uint64_t floor) const {
    const auto at = tombstones_.find(key);
    if (at == tombstones_.end()) return 0;
    const auto first = at->second.lower_bound(floor);
    return first == at->second.end() ? 0 : *first;
  }

  bool LostBetween(const std::string& region, int64_t from, int64_t to) const {
    const auto at = lost_.find(region);
    if (at == lost_.end()) return false;
    return std::any_of(at->second.begin(), at->second.end(),
                       [&](int64_t when) { return from <= when && when <= to; });
  }
  bool EverLost(const std::string& region) const { return lost_.count(region) != 0; }

  // In each region by itself: what was answered before a request began is what it must show.
  void CheckRegions() {
    // (time, 1: begins, 0: ended or lost; op): who ended in the very same instant binds nobody, so
    // begins go first.
    std::vector<std::tuple<int64_t, int, const ObservedOp*>> events;
    for (const ObservedOp& op : history_.ops) {
      if (op.act == Act::kLost) events.emplace_back(op.begin_us, 1, &op);
      if (op.outcome != Outcome::kAcknowledged || (!op.IsRead() && !op.IsWrite())) continue;
      events.emplace_back(op.begin_us, 0, &op);
      events.emplace_back(op.end_us, 1, &op);
    }
    std::stable_sort(events.begin(), events.end(), [](const auto& a, const auto& b) {
      return std::tie(std::get<0>(a), std::get<1>(a)) < std::tie(std::get<0>(b), std::get<1>(b));
    });
    for (const auto& [when, ends, op] : events) {
      if (op->act == Act::kLost) {
        floors_.erase(op->region);
        continue;
      }
      if (ends == 0)
        Judge(*op);
      else if (!LostBetween(op->region, op->begin_us, op->end_us))
        Bind(*op);
    }
  }

  void Judge(const ObservedOp& op) {
    auto& floors = floors_[op.region];
    for (const ObservedItem& item : op.items) {
      const auto at = floors.find(item.key);
      if (op.IsRead())
        absent_[&op].push_back(item.id != 0 || at == floors.end() || at->second.Highest() == 0
                                   ? 0
                                   : DeletionFrom(item.key, at->second.Highest()));
      if (op.IsRead()) ++verdicts_.judged_reads;
      if (at == floors.end()) continue;
      const Floors& floor = at->second;
      if (op.IsWrite()) {
        if (item.order != 0 && item.order <= floor.Highest())
          verdicts_.causality.push_back("write " + std::to_string(item.id) + " of " + item.key +
                                        At(op) + " is earlier than what had been shown there");
        continue;
      }
      JudgeRead(op, item, floor);
    }
  }

  void JudgeRead(const ObservedOp& op, const ObservedItem& item, const Floors& floor) {
    uint64_t order = OrderOf(item.id);
    if (item.id != 0 && order == 0) return;  // integrity tells
    if (item.id == 0) order = DeletionFrom(item.key, floor.Highest());
    if (item.id != 0 && floor.deletion != 0) ++verdicts_.judged_deletions;
    if (floor.cause != 0) ++verdicts_.judged_causes;
    if (item.id == 0 && order == 0 && floor.Highest() != 0) {
      const auto at = tombstones_.find(item.key);
      order = at == tombstones_.end() ? 0 : *at->second.rbegin();
    }
    const auto of = [&op](const std::map<uint64_t, uint64_t>& by) {
      const auto at = by.find(op.session);
      return at == by.end() ? 0 : at->second;
    };
    const std::string what = "read of " + item.key + At(op) + " saw " + Seen(item.id);
    if (item.id != 0 && floor.deletion > order)
      verdicts_.resurrection.push_back(what + ", which had been deleted there");
    else if (of(floor.written) > order)
      verdicts_.read_your_writes.push_back(what + ", older than its own write");
    else if (of(floor.read) > order)
      verdicts_.monotonic_reads.push_back(what + ", older than it had read before");
    else if (floor.cause > order)
      verdicts_.causality.push_back(what + ", and the region had shown an effect of a later one");
    else if (floor.all > order)
      verdicts_.fresh_reads.push_back(what + ", older than what had been answered there before");
  }

  void Bind(const ObservedOp& op) {
    auto& floors = floors_[op.region];
    const auto absent = absent_.find(&op);
    for (size_t i = 0; i < op.items.size(); ++i) {
      const ObservedItem& item = op.items[i];
      Floors& floor = floors[item.key];
      uint64_t order = op.IsWrite() ? item.order : OrderOf(item.id);
      if (op.IsRead() && item.id == 0) order = absent->second[i];
      if (order == 0) continue;
      floor.all = std::max(floor.all, order);
      auto& mine = (op.IsWrite() ? floor.written : floor.read)[op.session];
      mine = std::max(mine, order);
      const bool deletes = op.act == Act::kDelete || (op.IsRead() && item.id == 0);
      if (deletes) floor.deletion = std::max(floor.deletion, order);
    }
    if (op.IsRead() && !op.after_key.empty()) {
      uint64_t& cause = floors[op.after_key].cause;
      cause = std::max(cause, OrderOf(op.after_id));
    }
  }

  // One session through several regions.
  void CheckSessions() {
    std::map<uint64_t, std::vector<const ObservedOp*>> sessions;
    for (const ObservedOp& op : history_.ops)
      if (op.outcome == Outcome::kAcknowledged && (op.IsRead() || op.IsWrite()) && !op.last)
        sessions[op.session].push_back(&op);
    for (auto& [session, ops] : sessions) {
      std::stable_sort(ops.begin(), ops.end(),
                       [](const auto* a, const auto* b) { return a->begin_us < b->begin_us; });
      std::map<std::string, uint64_t> floors;
      for (const ObservedOp* op : ops) {
        for (const ObservedItem& item : op->items) {
          uint64_t& floor = floors[item.key];
          uint64_t order = op->IsWrite() ? item.order : OrderOf(item.id);
          if (op->IsRead() && item.id == 0) order = floor == 0 ? 0 : DeletionFrom(item.key, floor);
          if (op->far && floor != 0) ++verdicts_.judged_far_reads;
          if (op->far && order < floor && (item.id == 0 || order != 0))
            verdicts_.session_tokens.push_back("read of " + item.key + At(*op) + " saw " +
                                               Seen(item.id) + ", older than its tokens promised");
          floor = std::max(floor, order);
        }
      }
    }
  }

  void CheckSnapshots() {
    for (const ObservedOp& op : history_.ops) {
      if (op.act != Act::kSnapshot || op.outcome != Outcome::kAcknowledged) continue;
      ++verdicts_.judged_snapshots;
      for (const ObservedItem& item : op.items) {
        const auto at = writes_.find(item.id);
        if (item.id == 0 || at == writes_.end() || at->second.op->act != Act::kTransact) continue;
        for (const ObservedItem& other : op.items) {
          const auto& written = at->second.op->items;
          const auto same = std::find_if(written.begin(), written.end(),
                                         [&](const auto& one) { return one.key == other.key; });
          if (same == written.end() || OrderOf(other.id) >= same->order) continue;
          verdicts_.transactions.push_back("snapshot" + At(op) + " saw write " +
                                           std::to_string(item.id) + " of " + item.key +
                                           " and not write " + std::to_string(same->id) + " of " +
                                           other.key + " of the same transaction");
        }
      }
    }
  }

  void CheckCounters() {
    std::map<std::string, std::vector<const ObservedOp*>> counts;
    for (const ObservedOp& op : history_.ops)
      if (op.act == Act::kCount) counts[op.items[0].key].push_back(&op);
    for (const auto& [key, additions] : counts) {
      const std::string& home = additions[0]->region;
      if (std::any_of(additions.begin(), additions.end(),
                      [&](const auto* op) { return op->region != home; }))
        continue;  // two regions: the last writer wins, and a sum means nothing
      std::map<int64_t, const ObservedOp*> numbers;
      for (const ObservedOp* op : additions) {
        if (!op->number || op->outcome != Outcome::kAcknowledged) continue;
        JudgeNumber(*op, key, home, additions);
        if (!numbers.emplace(*op->number, op).second && !EverLost(home))
          verdicts_.counters.push_back(key + " was " + std::to_string(*op->number) +
                                       " after two additions" + At(*op));
      }
      for (const ObservedOp& op : history_.ops)
        if (op.act == Act::kGet && op.outcome == Outcome::kAcknowledged && op.number &&
            op.items[0].key == key)
          JudgeNumber(op, key, home, additions);
    }
  }

  void JudgeNumber(const ObservedOp& seen, const std::string& key, const std::string& home,
                   const std::vector<const ObservedOp*>& additions) {
    ++verdicts_.judged_counts;
    int64_t least = seen.act == Act::kCount ? 1 : 0;
    int64_t most = 0;
    for (const ObservedOp* op : additions) {
      if (op->outcome == Outcome::kRefused) continue;
      most += op->begin_us <= seen.end_us ? 1 : 0;
      least += op->outcome == Outcome::kAcknowledged && op->end_us < seen.begin_us ? 1 : 0;
    }
    const bool binds = (seen.region == home || seen.last) && !EverLost(home);
    if (*seen.number <= most && (!binds || *seen.number >= least)) return;
    verdicts_.counters.push_back(key + " was " + std::to_string(*seen.number) + At(seen) +
                                 "; answered additions " + std::to_string(least) + ", asked for " +
                                 std::to_string(most));
  }

  void CheckConditions() {
    std::map<std::tuple<std::string, std::string, uint64_t>, const ObservedOp*> winners;
    for (const ObservedOp& op : history_.ops) {
      if (!op.expected || !op.IsWrite()) continue;
      ++verdicts_.judged_conditions;
      const ObservedItem& item = op.items[0];
      // A key that is deleted may be created again.
      if (*op.expected == 0 && deleted_.count(item.key) != 0) continue;
      if (op.outcome == Outcome::kRefused && *op.expected == 0 && !SomebodyWrote(item.key, op))
        verdicts_.conditions.push_back("create of " + item.key + At(op) +
                                       " was refused, and nobody had written it");
      if (op.outcome != Outcome::kAcknowledged || EverLost(op.region)) continue;
      const auto [first, is_new] =
          winners.emplace(std::tuple(op.region, item.key, *op.expected), &op);
      if (!is_new)
        verdicts_.conditions.push_back("writes " + std::to_string(first->second->items[0].id) +
                                       " and " + std::to_string(item.id) + " of " + item.key +
                                       At(op) + " both found " + Seen(*op.expected));
    }
  }

  bool SomebodyWrote(const std::string& key, const ObservedOp& before) const {
    return std::any_of(writes_.begin(), writes_.end(), [&](const auto& write) {
      const ObservedOp& op = *write.second.op;
      return &op != &before && op.outcome != Outcome::kRefused && op.begin_us <= before.end_us &&
             std::any_of(op.items.begin(), op.items.end(),
                         [&](const ObservedItem& item) { return item.key == key; });
    });
  }

  void CheckIntegrity() {
    for (const ObservedOp& op : history_.ops) {
      if (!op.IsRead() || op.outcome != Outcome::kAcknowledged) continue;
      const auto say = [&](const ObservedItem& item, const std::string& what) {
        verdicts_.integrity.push_back("read of " + item.key + At(op) + " saw " + Seen(item.id) +
                                      ", " + what);
      };
      for (const ObservedItem& item : op.items) {
        if (op.torn) say(item, "torn: its copies of the id differ");
        if (item.id == 0) continue;
        const auto at = writes_.find(item.id);
        if (at == writes_.end()) {
          say(item, "which nobody wrote");
          continue;
        }
        const ObservedOp& write = *at->second.op;
        if (std::none_of(write.items.begin(), write.items.end(), [&](const ObservedItem& one) {
              return one.id == item.id && one.key == item.key;
            }))
          say(item, "which is of another key");
        else if (write.outcome == Outcome::kRefused)
          say(item, "which had been refused");
        else if (write.begin_us > op.end_us)
          say(item, "which was written later");
        else if (at->second.order == 0 && !EverLost(write.region))
          say(item, "which no region's log has");
      }
    }
  }

  // All pages of one, from the first to the last.
  struct Scan {
    std::vector<const ObservedOp*> pages;
    int64_t begin() const { return pages.front()->begin_us; }
    int64_t end() const { return pages.back()->end_us; }
  };

  std::vector<Scan> CompleteScans() const {
    std::map<uint64_t, std::vector<const ObservedOp*>> sessions;
    for (const ObservedOp& op : history_.ops)
      if (op.act == Act::kScan) sessions[op.session].push_back(&op);
    std::vector<Scan> complete;
    for (auto& [session, pages] : sessions) {
      std::stable_sort(pages.begin(), pages.end(),
                       [](const auto* a, const auto* b) { return a->begin_us < b->begin_us; });
      Scan scan;
      for (const ObservedOp* page : pages) {
        const bool goes_on = !scan.pages.empty() && !page->from.empty() &&
                             scan.pages.back()->next == page->from &&
                             scan.pages.back()->region == page->region;
        if (!goes_on) scan = {};
        if (page->outcome != Outcome::kAcknowledged || (!goes_on && !page->from.empty())) {
          scan = {};
          continue;
        }
        scan.pages.push_back(page);
        if (page->next.empty()) complete.push_back(std::exchange(scan, {}));
      }
    }
    return complete;
  }

  void CheckScans() {
    // Since when clients of a region have known an item there that nobody ever deletes.
    std::map<std::string, std::map<std::string, int64_t>> there;
    for (const ObservedOp& op : history_.ops) {
      if (op.outcome != Outcome::kAcknowledged || op.act == Act::kDelete) continue;
      for (const ObservedItem& item : op.items) {
        if (item.id == 0 || deleted_.count(item.key) != 0 || tombstones_.count(item.key) != 0)
          continue;
        const auto [since, is_new] = there[op.region].emplace(item.key, op.end_us);
        since->second = std::min(since->second, op.end_us);
      }
    }
    for (const Scan& scan : CompleteScans()) {
      const ObservedOp& first = *scan.pages.front();
      std::set<std::string> seen;
      for (const ObservedOp* page : scan.pages)
        for (const ObservedItem& item : page->items)
          if (!seen.insert(item.key).second)
            verdicts_.scans.push_back(item.key + " came twice in the scan" + At(first));
      if (LostBetween(first.region, 0, scan.end())) continue;
      for (const auto& [key, since] : there[first.region]) {
        if (since >= scan.begin()) continue;
        ++verdicts_.judged_scanned;
        if (seen.count(key) == 0)
          verdicts_.scans.push_back(key + " did not come in the scan" + At(first) +
                                    " and had been there since " + std::to_string(since / 1000) +
                                    " ms");
      }
    }
  }

  const ObservedHistory& history_;
  std::map<uint64_t, Written> writes_;  // by id
  std::map<std::string, std::set<uint64_t>> tombstones_;
  std::set<std::string> deleted_;
  std::map<std::string, std::vector<int64_t>> lost_;
  std::map<std::string, std::map<std::string, Floors>> floors_;  // by region, key
  // Of reads that found nothing, item by item: the first deletion that explains it by what was
  // known when they began. What was written while they were under way they need not have seen.
  std::map<const ObservedOp*, std::vector<uint64_t>> absent_;
  ObservedVerdicts verdicts_;
};

}  // namespace

ObservedVerdicts CheckObserved(const ObservedHistory& history) { return Checker(history).Run(); }

}  // namespace everwrite::chaos
