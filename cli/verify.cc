#include "cli/verify.h"

#include <chrono>
#include <optional>
#include <thread>
#include <tuple>

#include "cli/http_client.h"
#include "cli/json_value.h"
#include "cli/verify_digests.h"

namespace everwrite::cli {
namespace {

constexpr size_t kPageLines = 20000;
constexpr int64_t kPollMs = 200;

int64_t NowMillis() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

class AdminItemSource : public ItemSource {
 public:
  AdminItemSource(std::string admin, size_t page_lines, std::string after)
      : admin_(std::move(admin)), page_lines_(page_lines), after_(std::move(after)) {}

  Result<bool> Next(ItemLine* line) override {
    while (true) {
      if (at_ == page_.size()) EW_RETURN_IF_ERROR(FetchPage());
      const size_t end = page_.find('\n', at_);
      if (end == std::string::npos) return DataLoss(admin_ + ": the list of items was cut");
      const std::string_view text = std::string_view(page_).substr(at_, end - at_);
      if (text == "end") return false;
      at_ = end + 1;
      if (text.starts_with("next ") && at_ == page_.size()) {
        if (text.substr(5) == after_)
          return DataLoss(admin_ + ": the list of items repeats itself");
        after_ = text.substr(5);
        continue;
      }
      EW_ASSIGN_OR_RETURN(*line, ParseItemLine(text));
      if (last_.has_value() &&
          std::tie(line->table, line->key) <= std::tie(last_->table, last_->key)) {
        return DataLoss(admin_ + ": the list of items is not in order");
      }
      last_ = *line;
      return true;
    }
  }

 private:
  Status FetchPage() {
    std::string target = "/items?limit=" + std::to_string(page_lines_);
    if (!after_.empty()) target += "&after=" + after_;
    EW_ASSIGN_OR_RETURN(const HttpReply reply,
                        HttpCall("GET", admin_, target, {.timeout_ms = 60000}));
    if (reply.status != 200) {
      return Unavailable(admin_ + target + " answered " + std::to_string(reply.status) + ": " +
                         reply.body.substr(0, 200));
    }
    page_ = std::move(reply.body);
    at_ = 0;
    return OkStatus();
  }

  const std::string admin_;
  const size_t page_lines_;
  std::string page_;
  size_t at_ = 0;
  std::string after_;  // where the next page begins
  std::optional<ItemLine> last_;
};

std::string Describe(const ItemLine* line, bool elsewhere) {
  if (line == nullptr) return elsewhere ? "elsewhere" : "absent";
  return (line->tombstone ? "tombstone " : "") + line->version +
         (line->tombstone ? "" : " " + line->hash);
}

// The vectors of all regions as one text each, so that equal means equal.
Result<std::vector<std::string>> ReadVectors(const std::vector<RegionEndpoint>& regions) {
  std::vector<std::string> vectors;
  for (const RegionEndpoint& region : regions) {
    EW_ASSIGN_OR_RETURN(const JsonValue status, FetchRegionStatus(region.admin, 5000));
    // One that is being filled claims what its rows do not show yet.
    const std::string& stage = status["stage"].AsString();
    const std::vector<JsonValue>& tables = status["filling_tables"].items();
    if (stage == "new" || stage == "filling") {
      vectors.push_back("nothing yet: " + region.name + " is " + stage);
    } else if (!tables.empty()) {
      vectors.push_back("not yet all: " + region.name + " is filling table " +
                        tables.front()["table"].AsString());
    } else {
      vectors.push_back(VectorText(status["applied"]));
    }
  }
  return vectors;
}

bool AllEqual(const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    if (value != values.front()) return false;
  }
  return true;
}

Result<Elsewhere> ReadElsewhere(const std::vector<RegionEndpoint>& regions) {
  Elsewhere elsewhere;
  for (const RegionEndpoint& region : regions) {
    EW_ASSIGN_OR_RETURN(RegionDigests holdings, FetchHoldings(region.admin));
    elsewhere.push_back(std::move(holdings.elsewhere));
  }
  return elsewhere;
}

std::string DescribeVectors(const std::vector<RegionEndpoint>& regions,
                            const std::vector<std::string>& vectors) {
  std::string text;
  for (size_t i = 0; i < regions.size(); ++i) {
    text += (i == 0 ? "" : "; ") + regions[i].name + " has applied {" + vectors[i] + "}";
  }
  return text;
}

}  // namespace

Result<ItemLine> ParseItemLine(std::string_view line) {
  std::string_view parts[5];
  for (int i = 0; i < 5; ++i) {
    const size_t end = line.find(' ');
    if ((end == std::string_view::npos) != (i == 4)) return DataLoss("an item line is malformed");
    parts[i] = line.substr(0, end);
    line = i == 4 ? std::string_view() : line.substr(end + 1);
  }
  if (parts[0].empty() || parts[2].empty() || (parts[4] != "0" && parts[4] != "1")) {
    return DataLoss("an item line is malformed");
  }
  return ItemLine{std::string(parts[0]), std::string(parts[1]), std::string(parts[2]),
                  std::string(parts[3]), parts[4] == "1"};
}

std::unique_ptr<ItemSource> NewAdminItemSource(std::string admin, size_t page_lines,
                                               std::string after) {
  return std::make_unique<AdminItemSource>(std::move(admin), page_lines, std::move(after));
}

Result<ItemComparison> CompareItems(const std::vector<ItemSource*>& regions,
                                    const Elsewhere& elsewhere) {
  ItemComparison result;
  std::vector<std::optional<ItemLine>> heads(regions.size());
  const auto advance = [&](size_t i) -> Status {
    ItemLine line;
    EW_ASSIGN_OR_RETURN(const bool more, regions[i]->Next(&line));
    heads[i] = more ? std::optional<ItemLine>(std::move(line)) : std::nullopt;
    return OkStatus();
  };
  for (size_t i = 0; i < regions.size(); ++i) EW_RETURN_IF_ERROR(advance(i));
  while (true) {
    const ItemLine* smallest = nullptr;
    for (const auto& head : heads) {
      if (head.has_value() &&
          (smallest == nullptr ||
           std::tie(head->table, head->key) < std::tie(smallest->table, smallest->key))) {
        smallest = &*head;
      }
    }
    if (smallest == nullptr) return result;
    const std::string table = smallest->table;
    const std::string key = smallest->key;
    std::vector<const ItemLine*> held(regions.size(), nullptr);
    const ItemLine* live = nullptr;
    for (size_t i = 0; i < regions.size(); ++i) {
      if (!heads[i].has_value() || heads[i]->table != table || heads[i]->key != key) continue;
      held[i] = &*heads[i];
      if (!held[i]->tombstone) live = held[i];
    }
    if (live != nullptr) {
      ++result.items;
      bool same = true;
      const auto is_elsewhere = [&](size_t i) {
        return i < elsewhere.size() && elsewhere[i].count(table) != 0;
      };
      for (size_t i = 0; i < held.size(); ++i) {
        const bool there = held[i] != nullptr && !held[i]->tombstone;
        same &= is_elsewhere(i)
                    ? !there
                    : there && held[i]->version == live->version && held[i]->hash == live->hash;
      }
      if (!same) {
        ++result.differences;
        if (result.listed.size() < kMaxListedDifferences) {
          ItemDifference& difference = result.listed.emplace_back();
          difference.table = table;
          difference.key = key;
          for (size_t i = 0; i < held.size(); ++i)
            difference.held.push_back(Describe(held[i], is_elsewhere(i)));
        }
      }
    }
    for (size_t i = 0; i < regions.size(); ++i) {
      if (held[i] != nullptr) EW_RETURN_IF_ERROR(advance(i));
    }
  }
}

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kEqual: return "equal";
    case Verdict::kBehind: return "behind";
    case Verdict::kDiverged: return "diverged";
  }
  return "unknown";
}

Result<VerifyReport> Verify(const std::vector<RegionEndpoint>& regions, int64_t wait_ms) {
  const int64_t deadline = NowMillis() + wait_ms;
  VerifyReport report;
  for (const RegionEndpoint& region : regions) report.regions.push_back(region.name);
  while (true) {
    EW_ASSIGN_OR_RETURN(const std::vector<std::string> before, ReadVectors(regions));
    report.detail = DescribeVectors(regions, before);
    if (AllEqual(before)) {
      EW_ASSIGN_OR_RETURN(const Elsewhere elsewhere, ReadElsewhere(regions));
      std::vector<std::unique_ptr<ItemSource>> sources;
      std::vector<ItemSource*> raw;
      for (const RegionEndpoint& region : regions) {
        sources.push_back(NewAdminItemSource(region.admin, kPageLines));
        raw.push_back(sources.back().get());
      }
      EW_ASSIGN_OR_RETURN(report.comparison, CompareItems(raw, elsewhere));
      EW_ASSIGN_OR_RETURN(const std::vector<std::string> after, ReadVectors(regions));
      // Equal items are equal whatever moved meanwhile only if nothing did; so are different ones.
      if (after == before) {
        report.verdict = report.comparison.differences == 0 ? Verdict::kEqual : Verdict::kDiverged;
        return report;
      }
    }
    if (NowMillis() >= deadline) {
      report.verdict = Verdict::kBehind;
      return report;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
  }
}

}  // namespace everwrite::cli
