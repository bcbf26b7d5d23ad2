#include "region/table/testing/placed_table.h"

#include <gtest/gtest.h>

namespace everwrite::table::testing {

using State = Replica::State;

void CreateIn(TestRegion& region, uint16_t id, const std::string& name) {
  TableDefinition definition = TestTable(name);
  definition.replicas[RegionId{id}] = {};
  Status outcome = Internal("not called");
  region.engine->CreateTable(std::move(definition), region.executor,
                             [&](const Result<TablePtr>& r) { outcome = r.status(); });
  region.RunAll();
  ASSERT_TRUE(outcome.ok()) << outcome.ToString();
}

void Add(Replicas& replicas, uint16_t region) {
  replicas[RegionId{region}].state = State::kCreating;
}

void Remove(Replicas& replicas, uint16_t region) {
  replicas.at(RegionId{region}).state = State::kDeleting;
}

void Hear(TestRegion& region, const std::vector<TestRegion*>& others) {
  streams::PeerProgress progress;
  for (TestRegion* other : others) {
    if (other == &region) continue;
    const streams::RegionState state = other->engine->State();
    streams::PeerProgress::Peer& peer = progress.peers.emplace_back();
    peer.region = state.region;
    peer.connected = true;
    peer.durable = state.applied;
    peer.applied = state.applied;
    if (state.stage == streams::Stage::kServing && state.fill.claims.empty() &&
        state.fill.table.value == 0)
      peer.whole_at = state.applied;
  }
  region.engine->OnProgress(progress);
}

void Exchange(std::vector<TestRegion*> regions) {
  for (size_t round = 0; round < regions.size() + 2; ++round)
    for (TestRegion* to : regions)
      for (TestRegion* from : regions)
        if (to != from) (void)to->PullFrom(*from);
  for (TestRegion* region : regions) Hear(*region, regions);
}

void JoinSecond(TestRegion& a, TestRegion& b, const std::vector<TestRegion*>& all,
                const std::string& table) {
  ASSERT_TRUE(a.SetReplicas(table, [](Replicas& r) { Add(r, 2); }).ok());
  Exchange(all);
  while (b.engine->State().fill.table.value != 0) ASSERT_TRUE(b.FillTable(a).ok());
  b.Settle();
  Exchange(all);
}

void CreateInBoth(TestRegion& a, TestRegion& b) {
  CreateIn(a, 1);
  ASSERT_TRUE(a.Put("t", "k", "1").ok());
  Exchange({&a, &b});
  JoinSecond(a, b, {&a, &b});
}

void MakeTopology(const std::vector<TestRegion*>& all) {
  for (TestRegion* region : all) {
    for (TestRegion* other : all)
      if (other != region) region->others.push_back(other->engine->State().region);
    region->Restart();
  }
}

}  // namespace everwrite::table::testing
