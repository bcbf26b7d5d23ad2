// Tables that live in some of the regions, and what tests of them do again and again.
#pragma once

#include <string>
#include <vector>

#include "region/table/testing/test_region.h"

namespace everwrite::table::testing {

// As a client of that region, in the region with that id alone.
void CreateIn(TestRegion& region, uint16_t id, const std::string& name = "t");
void Add(Replicas& replicas, uint16_t region);
void Remove(Replicas& replicas, uint16_t region);
// What their replicators say of the others.
void Hear(TestRegion& region, const std::vector<TestRegion*>& others);
// Everybody from everybody, until nothing moves.
void Exchange(std::vector<TestRegion*> regions);
// Region 2 joins `table` and is filled from `a`, while `all` hear of it.
void JoinSecond(TestRegion& a, TestRegion& b, const std::vector<TestRegion*>& all,
                const std::string& table = "t");
// A table of region 1 that region 2 has joined and holds whole, with one item.
void CreateInBoth(TestRegion& a, TestRegion& b);
// Each knows of the others, and is started again.
void MakeTopology(const std::vector<TestRegion*>& all);

}  // namespace everwrite::table::testing
