// `everwrite verify --full`: do all regions hold the same items and versions? (verify_digests.h is
// the quick way.)
//
// The vectors of all regions are read, then every region's items in key order through its admin
// endpoint, then the vectors again. Where they were equal and stood still, the items must be equal:
// a difference is then no lag but divergence. Where they did not, the regions are behind each
// other, and the comparison is made again until it succeeds or the time is over.
//
// A tombstone counts as nothing: one region may have forgotten it before another.
//
// Thread-safety: free functions and values; one thread each.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/cluster_view.h"

namespace everwrite::cli {

// One line of GET /items: "table key version image-hash tombstone", sorted by table and key; all in
// hex, the last 0 or 1. Behind a page's lines stands "next KEY" or "end".
struct ItemLine {
  std::string table;
  std::string key;
  std::string version;
  std::string hash;
  bool tombstone = false;
};
Result<ItemLine> ParseItemLine(std::string_view line);

// A region's items, in order.
class ItemSource {
 public:
  virtual ~ItemSource() = default;
  // False at the end. kDataLoss when the order is broken.
  virtual Result<bool> Next(ItemLine* line) = 0;
};

// Asks the admin endpoint page by page, so that a region of any size is compared in bounded memory.
// Those behind `after`: the hex of a table's id and of a key or its beginning.
std::unique_ptr<ItemSource> NewAdminItemSource(std::string admin, size_t page_lines,
                                               std::string after = "");

struct ItemDifference {
  std::string table;
  std::string key;
  // By region: version and hash, "tombstone VERSION", "absent", or "elsewhere": it does not hold
  // the table, and has nothing of it.
  std::vector<std::string> held;
};

constexpr size_t kMaxListedDifferences = 20;

struct ItemComparison {
  uint64_t items = 0;  // distinct live keys seen
  uint64_t differences = 0;
  std::vector<ItemDifference> listed;  // the first of them
};
// The tables that each region does not hold; empty: every region holds all.
using Elsewhere = std::vector<std::set<std::string>>;
Result<ItemComparison> CompareItems(const std::vector<ItemSource*>& regions,
                                    const Elsewhere& elsewhere = {});

enum class Verdict : uint8_t { kEqual, kBehind, kDiverged };
std::string_view VerdictName(Verdict verdict);

struct VerifyReport {
  Verdict verdict = Verdict::kBehind;
  ItemComparison comparison;  // of the last attempt
  std::vector<std::string> regions;
  std::string detail;  // which regions are behind which
};

// Regions that are behind each other may take `wait_ms` to catch up. kUnavailable when one does not
// answer.
Result<VerifyReport> Verify(const std::vector<RegionEndpoint>& regions, int64_t wait_ms);

}  // namespace everwrite::cli
