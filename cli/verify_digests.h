// `everwrite verify`: the quick way. Every region's digests of buckets of keys are read (a few
// bytes a bucket, whatever the items weigh; region/table/bucket_digest.h) and compared.
//
// Where two regions have decided on the same changes of a bucket, their sums must be equal: so each
// bucket is proven at one moment or another, also while regions are written to. A bucket whose
// changes differ is looked at again until it is proven or the time is over: then the regions are
// behind. A bucket that differs, and one whose rows do not add up to their digest in some region,
// is divergence, and its keys are compared one by one.
//
// Thread-safety: free functions and values.
#pragma once

#include <map>
#include <set>

#include "cli/verify.h"

namespace everwrite::cli {

struct BucketDifference {
  std::string table;  // its name where a region knows it, or its id in hex
  uint64_t bucket = 0;
  std::string reason;
  ItemComparison items;  // of the bucket
};

struct DigestReport {
  Verdict verdict = Verdict::kBehind;
  std::vector<std::string> regions;
  uint64_t items = 0;    // live, in the first region
  uint64_t buckets = 0;  // proven equal
  uint64_t open = 0;     // of which nothing could be said in time
  std::vector<BucketDifference> differences;
  std::string detail;  // which regions are behind which
};

// A bucket's digest as a region says it: sum and vector in hex.
struct DigestLine {
  std::string sum, touched;
};
using DigestList = std::map<std::pair<std::string, uint64_t>, DigestLine>;  // by table and bucket

// A region's share of the comparison.
struct RegionDigests {
  DigestList list;
  std::set<std::string> elsewhere;  // tables that it does not hold: nothing is asked of it
  std::set<std::string> filling;    // tables that it has not all of yet: nothing can be said
  uint64_t items = 0;
};

// The same without the list: which tables are where.
Result<RegionDigests> FetchHoldings(const std::string& admin);

// What can be said of the buckets in `pending`: the proven ones are taken out of it, the different
// ones moved to `different`.
void CompareDigests(const std::vector<RegionDigests>& regions,
                    std::map<std::pair<std::string, uint64_t>, bool>& pending,
                    std::vector<std::pair<std::string, uint64_t>>& different, uint64_t& proven);

Result<DigestReport> VerifyDigests(const std::vector<RegionEndpoint>& regions, int64_t wait_ms);

}  // namespace everwrite::cli
