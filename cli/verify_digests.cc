#include "cli/verify_digests.h"

#include <charconv>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <thread>

#include "cli/http_client.h"
#include "cli/json_value.h"

namespace everwrite::cli {
namespace {

using Place = std::pair<std::string, uint64_t>;

constexpr int64_t kPollMs = 200;
constexpr size_t kMaxListedBuckets = 20;
constexpr size_t kPageLines = 20000;
constexpr uint64_t kBuckets = 4096;
constexpr std::string_view kMoving = "moving";

int64_t NowMillis() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Result<std::string> Fetch(const std::string& admin, const std::string& target) {
  EW_ASSIGN_OR_RETURN(HttpReply reply, HttpCall("GET", admin, target, {.timeout_ms = 60000}));
  if (reply.status != 200)
    return Unavailable(admin + target + " answered " + std::to_string(reply.status) + ": " +
                       reply.body.substr(0, 200));
  return std::move(reply.body);
}

// Lines "table bucket sum touched" (`touched` is "moving" where readers do not see the last change
// yet), then "next TABLE.BUCKET", or "elsewhere TABLE" and "filling TABLE" for the tables that are
// not, or not wholly, in the region, and "end ITEMS".
Result<RegionDigests> FetchDigests(const std::string& admin, std::string after = "") {
  RegionDigests digests;
  const Status malformed = DataLoss(admin + ": the list of digests is malformed");
  for (;;) {
    EW_ASSIGN_OR_RETURN(const std::string page,
                        Fetch(admin, "/digests" + (after.empty() ? "" : "?after=" + after)));
    const std::string asked = after;
    for (size_t at = 0; at < page.size();) {
      const size_t end = page.find('\n', at);
      if (end == std::string::npos) return malformed;
      std::string_view line = std::string_view(page).substr(at, end - at);
      at = end + 1;
      std::string_view words[4];
      size_t count = 0;
      for (; count < 4 && !line.empty(); ++count) {
        const size_t space = line.find(' ');
        words[count] = line.substr(0, space);
        line = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
      }
      const auto number = [](std::string_view text, uint64_t& value) {
        const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        return error == std::errc() && last == text.data() + text.size();
      };
      if (count == 2 && words[0] == "end") {
        if (!number(words[1], digests.items)) return malformed;
        return digests;
      }
      if (count == 2 && (words[0] == "elsewhere" || words[0] == "filling")) {
        (words[0] == "filling" ? digests.filling : digests.elsewhere).emplace(words[1]);
        continue;
      }
      if (count == 2 && words[0] == "next") {
        after = words[1];
        break;
      }
      uint64_t bucket = 0;
      if (count != 4 || !number(words[1], bucket) || bucket >= kBuckets) return malformed;
      digests.list[{std::string(words[0]), bucket}] = {std::string(words[2]),
                                                       std::string(words[3])};
    }
    if (after == asked) return malformed;  // it would never end
  }
}

std::string HexOf(uint64_t value) {
  char text[17];
  const auto [end, error] = std::to_chars(text, text + 16, value, 16);
  return std::string(16 - static_cast<size_t>(end - text), '0') +
         std::string(text, static_cast<size_t>(end - text));
}

// The items of one bucket, in order.
class BucketSource : public ItemSource {
 public:
  BucketSource(const std::string& admin, const Place& place)
      : table_(place.first),
        end_(place.second + 1 == kBuckets ? "" : HexOf((place.second + 1) << 52)),
        source_(NewAdminItemSource(
            admin, kPageLines,
            place.first + (place.first == kCatalog ? "" : HexOf(place.second << 52)))) {}
  Result<bool> Next(ItemLine* line) override {
    EW_ASSIGN_OR_RETURN(const bool more, source_->Next(line));
    return more && line->table == table_ &&
           (table_ == kCatalog || end_.empty() || line->key < end_);
  }

 private:
  static constexpr std::string_view kCatalog = "0000000000000001";
  const std::string table_, end_;
  const std::unique_ptr<ItemSource> source_;
};

Result<ItemComparison> CompareBucket(const std::vector<RegionEndpoint>& regions,
                                     const Place& place) {
  std::vector<std::unique_ptr<ItemSource>> sources;
  std::vector<ItemSource*> raw;
  for (const RegionEndpoint& region : regions) {
    sources.push_back(std::make_unique<BucketSource>(region.admin, place));
    raw.push_back(sources.back().get());
  }
  return CompareItems(raw);
}

// What regions themselves have found open: buckets whose rows do not add up to their digest.
Status CollectFindings(const std::vector<RegionEndpoint>& regions,
                       std::map<Place, std::string>& reasons,
                       std::map<std::string, std::string>& names) {
  for (const RegionEndpoint& region : regions) {
    EW_ASSIGN_OR_RETURN(const std::string body, Fetch(region.admin, "/convergence"));
    EW_ASSIGN_OR_RETURN(const JsonValue report, JsonValue::Parse(body));
    for (const JsonValue& table : report["tables"].items())
      names[table["id"].AsString()] = table["name"].AsString();
    for (const JsonValue& finding : report["findings"].items()) {
      if (!finding["open"].AsBool()) continue;
      std::string& reason = reasons[{finding["table_id"].AsString(),
                                     static_cast<uint64_t>(finding["bucket"].AsInt())}];
      reason += (reason.empty() ? "" : "; ") + region.name + ": " + finding["what"].AsString();
    }
  }
  return OkStatus();
}

}  // namespace

Result<RegionDigests> FetchHoldings(const std::string& admin) {
  return FetchDigests(admin, "ffffffffffffffff." + std::to_string(kBuckets - 1));
}

void CompareDigests(const std::vector<RegionDigests>& regions, std::map<Place, bool>& pending,
                    std::vector<Place>& different, uint64_t& proven) {
  static const DigestLine kNone;
  for (auto at = pending.begin(); at != pending.end();) {
    const Place place = at->first;
    bool same_changes = true, same_sums = true, gone = true;
    const DigestLine* first = nullptr;
    for (const RegionDigests& region : regions) {
      if (region.elsewhere.count(place.first)) continue;
      const auto found = region.list.find(place);
      const DigestLine& line = found == region.list.end() ? kNone : found->second;
      gone &= found == region.list.end();
      same_changes &= region.filling.count(place.first) == 0;
      if (!first) first = &line;
      same_changes &= line.touched == first->touched && line.touched != kMoving;
      same_sums &= line.sum == first->sum;
    }
    if (!same_changes) {
      ++at;
      continue;
    }
    at = pending.erase(at);
    if (gone) continue;  // with its table
    if (same_sums) {
      ++proven;
    } else {
      different.push_back(place);
    }
  }
}

Result<DigestReport> VerifyDigests(const std::vector<RegionEndpoint>& regions, int64_t wait_ms) {
  const int64_t deadline = NowMillis() + wait_ms;
  DigestReport report;
  for (const RegionEndpoint& region : regions) report.regions.push_back(region.name);
  std::map<Place, bool> pending;
  std::vector<Place> different;
  std::function<bool(const std::string& table, size_t region)> holders;
  bool first = true;
  for (;;) {
    std::vector<RegionDigests> lists;
    for (const RegionEndpoint& region : regions) {
      EW_ASSIGN_OR_RETURN(RegionDigests digests, FetchDigests(region.admin));
      if (lists.empty()) report.items = digests.items;
      if (first)
        for (const auto& [place, line] : digests.list) pending[place] = true;
      lists.push_back(std::move(digests));
    }
    holders = [lists](const std::string& table, size_t region) {
      return lists[region].elsewhere.count(table) == 0;
    };
    first = false;
    CompareDigests(lists, pending, different, report.buckets);
    if (pending.empty() || !different.empty() || NowMillis() >= deadline) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
  }
  report.open = pending.size();
  std::map<Place, std::string> reasons;
  std::map<std::string, std::string> names;
  EW_RETURN_IF_ERROR(CollectFindings(regions, reasons, names));
  for (const Place& place : different)
    if (reasons[place].empty()) reasons[place] = "other items after the same changes";
  for (const auto& [place, reason] : reasons) {
    if (report.differences.size() == kMaxListedBuckets) break;
    BucketDifference& difference = report.differences.emplace_back();
    const auto name = names.find(place.first);
    difference.table = name == names.end() ? place.first : name->second;
    difference.bucket = place.second;
    difference.reason = reason;
    std::vector<RegionEndpoint> held;
    for (size_t i = 0; i < regions.size(); ++i)
      if (holders(place.first, i)) held.push_back(regions[i]);
    EW_ASSIGN_OR_RETURN(difference.items, CompareBucket(held, place));
  }
  report.verdict = !reasons.empty()  ? Verdict::kDiverged
                   : pending.empty() ? Verdict::kEqual
                                     : Verdict::kBehind;
  if (report.verdict == Verdict::kBehind) {
    for (const RegionEndpoint& region : regions) {
      EW_ASSIGN_OR_RETURN(const JsonValue status, FetchRegionStatus(region.admin, 5000));
      report.detail += (report.detail.empty() ? "" : "; ") + region.name + " has applied {" +
                       VectorText(status["applied"]) + "}";
    }
  }
  return report;
}

}  // namespace everwrite::cli
