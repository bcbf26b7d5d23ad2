// Secondary indexes: whatever happens to rows and definitions, in whatever order and region, every
// index equals a rebuild from its table (CheckIndexes). Random histories first, then the moments
// that they may miss, by name.
#include <gtest/gtest.h>

#include "base/random.h"
#include "region/item/number.h"
#include "region/table/index_check.h"
#include "region/table/testing/test_region.h"

namespace everwrite::table {
namespace {

using item::KeyType;
using testing::FunctionWrite;
using testing::TestItem;
using testing::TestKey;
using testing::TestRegion;
using testing::TestTable;

constexpr std::string_view kAttributes[] = {"a", "b", "c", "d"};

std::vector<std::string> Check(TestRegion& region) {
  auto checked = CheckIndexes(region.store);
  if (!checked.ok()) return {checked.status().ToString()};
  return std::move(checked).value();
}

IndexDefinition RandomIndex(Random& random, std::string name) {
  IndexDefinition index;
  index.name = std::move(name);
  std::vector<std::string_view> names(std::begin(kAttributes), std::end(kAttributes));
  const size_t partition = 1 + random.Below(2), sort = random.Below(3);
  for (size_t i = 0; i < partition + sort; ++i) {
    const size_t at = random.Below(names.size());
    const auto type = static_cast<KeyType>(random.Below(3));
    (i < partition ? index.key.partition : index.key.sort)
        .push_back({std::string(names[at]), type});
    names.erase(names.begin() + static_cast<ptrdiff_t>(at));
  }
  index.projection = static_cast<Projection>(random.Below(3));
  if (index.projection == Projection::kInclude) index.included = {"v", "a"};
  return index;
}

void AddRandomAttribute(Random& random, item::ItemBuilder& builder, std::string_view name) {
  const std::string text(random.Below(3), static_cast<char>('x' + random.Below(2)));  // may be ""
  switch (random.Below(6)) {
    case 0: return;  // missing
    case 1: return builder.AddInteger(name, static_cast<int64_t>(random.Below(3)) - 1);
    case 2: return builder.AddBinary(name, text);
    case 3: return builder.AddBool(name, true);
    case 4:
      if (random.Chance(1, 10)) return builder.AddString(name, std::string(3000, 'x'));
      [[fallthrough]];
    default: return builder.AddString(name, text);
  }
}

std::string RandomItem(Random& random, std::string_view pk) {
  item::ItemBuilder builder;
  for (const std::string_view name : kAttributes) AddRandomAttribute(random, builder, name);
  builder.AddString("pk", pk);
  builder.AddString("v", std::string(random.Below(4), 'v'));
  return builder.Finish();
}

Status Edit(TestRegion& region, std::function<Status(TableDefinition&)> edit) {
  Status outcome = Internal("not called");
  region.engine->UpdateTable("t", std::move(edit), region.executor,
                             [&](Result<TablePtr> table) { outcome = table.status(); });
  region.RunAll();
  return outcome;
}

Status AddIndex(TestRegion& region, const IndexDefinition& index) {
  return Edit(region, [&](TableDefinition& definition) {
    definition.indexes.push_back(index);
    return Status();
  });
}

// Submits a write without running it: several are under way at once.
void Submit(TestRegion& region, std::string_view pk, std::string item) {
  const TablePtr table = region.engine->FindTable("t");
  region.engine->Write(std::make_unique<FunctionWrite>(
                           table, TestKey(pk),
                           [pk = std::string(pk), item](auto) -> Result<Mutation> {
                             if (item.empty())
                               return Mutation{Mutation::Kind::kDelete, TestItem(pk, "")};
                             return Mutation{Mutation::Kind::kPut, item};
                           },
                           [](const Status& status, const WriteOperation&) {
                             ASSERT_TRUE(status.ok()) << status.ToString();
                           }),
                       region.executor);
}

// A little of what is under way happens: some tasks, perhaps half a turn.
void RunSome(Random& random, TestRegion& region) {
  for (uint64_t i = random.Below(4); i > 0 && region.executor.RunOne(); --i) continue;
  if (random.Chance(1, 2) && region.engine->committer().BeginTurn()) {
    for (uint64_t i = random.Below(4); i > 0 && region.executor.RunOne(); --i) continue;
    region.engine->committer().EndTurn();
  }
}

void RandomStep(Random& random, TestRegion& region, int& index_number) {
  switch (random.Below(12)) {
    case 0:
      region.RunAll();
      if (region.engine->FindTable("t")->definition.indexes.size() < 4) {
        ASSERT_TRUE(
            AddIndex(region, RandomIndex(random, "i" + std::to_string(++index_number))).ok());
      }
      return;
    case 1:
      ASSERT_TRUE(Edit(region, [&](TableDefinition& definition) {
                    if (!definition.indexes.empty() && random.Chance(1, 2))
                      definition.indexes.erase(definition.indexes.begin());
                    return Status();
                  }).ok());
      return;
    case 2: return RunSome(random, region);
    case 3:
      region.engine->UpdateTable(  // begins or ends among the writes under way
          "t",
          [&random, &index_number](TableDefinition& definition) {
            if (definition.indexes.size() < 3) {
              definition.indexes.push_back(
                  RandomIndex(random, "i" + std::to_string(++index_number)));
            } else {
              definition.indexes.pop_back();
            }
            return Status();
          },
          region.executor, [](const auto&) {});
      return;
    default: {
      const std::string pk = "k" + std::to_string(random.Below(12));
      Submit(region, pk, random.Chance(1, 4) ? "" : RandomItem(random, pk));
      if (random.Chance(1, 2)) RunSome(random, region);
    }
  }
}

TEST(Indexes, EqualARebuildWhateverTheHistory) {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    Random random(seed);
    TestRegion regions[] = {TestRegion(1), TestRegion(2), TestRegion(3)};
    TableDefinition definition = TestTable("t");
    for (uint64_t i = random.Below(3); i > 0; --i)
      definition.indexes.push_back(RandomIndex(random, "created" + std::to_string(i)));
    regions[0].engine->CreateTable(definition, regions[0].executor, [](const auto&) {});
    regions[0].RunAll();
    for (TestRegion& region : regions) ASSERT_TRUE(region.PullFrom(regions[0]).ok());
    int index_number = 0;
    for (int step = 0; step < 120; ++step) {
      TestRegion& region = regions[random.Below(3)];
      if (random.Chance(1, 10)) {
        region.RunAll();
        TestRegion& source = regions[random.Below(3)];
        source.RunAll();
        (void)region.PullFrom(source);  // as far as causal order lets it
      } else if (random.Chance(1, 40)) {
        region.Restart();
      } else {
        ASSERT_NO_FATAL_FAILURE(RandomStep(random, region, index_number));
      }
      if (step % 10 == 0) {
        ASSERT_EQ(Check(region), std::vector<std::string>()) << "seed " << seed;
      }
    }
    for (int round = 0; round < 3; ++round)
      for (TestRegion& region : regions)
        for (TestRegion& source : regions) {
          source.RunAll();
          (void)region.PullFrom(source);
        }
    for (TestRegion& region : regions) {
      region.RunAll();
      ASSERT_EQ(Check(region), std::vector<std::string>()) << "seed " << seed;
      const TablePtr table = region.engine->FindTable("t");
      ASSERT_EQ(table->definition, regions[0].engine->FindTable("t")->definition);
      for (const IndexDefinition& index : table->definition.indexes)
        EXPECT_TRUE(region.engine->StatusOf(*table, index.id).complete);
    }
  }
}

IndexDefinition ByValue() {
  IndexDefinition index;
  index.name = "by-value";
  index.key.partition = {{"v", KeyType::kString}};
  return index;
}

int64_t CountOf(TestRegion& region) {
  const TablePtr table = region.engine->FindTable("t");
  return region.engine->StatusOf(*table, table->definition.indexes[0].id).count.items;
}

TEST(Indexes, ALiveTableIsFilledBesideItsWritesInBoundedSteps) {
  TestRegion region(1);
  region.CreateTable("t");
  for (int i = 0; i < 500; ++i)
    ASSERT_TRUE(region.Put("t", "k" + std::to_string(i), i % 5 ? "x" : "").ok());
  int answered = 0;
  region.engine->UpdateTable(
      "t",
      [](TableDefinition& definition) {
        definition.indexes.push_back(ByValue());
        return Status();
      },
      region.executor, [&](const auto&) { ++answered; });
  int turns = 0;
  bool was_incomplete = false;
  for (bool busy = true; busy; ++turns) {
    busy = region.executor.RunOne();
    if (answered && turns % 7 == 0)
      Submit(region, "k" + std::to_string(turns), TestItem("k" + std::to_string(turns), "y"));
    if (region.engine->committer().BeginTurn()) region.engine->committer().EndTurn(), busy = true;
    const TablePtr table = region.engine->FindTable("t");
    if (!table->definition.indexes.empty() &&
        !region.engine->StatusOf(*table, table->definition.indexes[0].id).complete) {
      was_incomplete = true;
      ASSERT_EQ(Check(region), std::vector<std::string>());
    }
    if (turns > 200) break;
  }
  EXPECT_TRUE(was_incomplete) << "an index of a table with rows is not complete at once";
  region.RunAll();
  EXPECT_EQ(Check(region), std::vector<std::string>());
  EXPECT_GE(CountOf(region), 400);
}

// Submits it without running it.
void BeginAddingIndex(TestRegion& region, IndexDefinition index) {
  region.engine->UpdateTable(
      "t",
      [&index](TableDefinition& definition) {
        definition.indexes.push_back(index);
        return Status();
      },
      region.executor, [](const auto&) {});
}

// A turn shows the index that it makes before it is written. Rows in front of it in that turn do
// not know it, and a backfill that another index has left running would not find them yet.
TEST(Indexes, ABackfillLeavesAnIndexAloneWhoseTurnIsUnderWay) {
  TestRegion region(1);
  region.CreateTable("t");
  ASSERT_TRUE(region.Put("t", "k", "x").ok());
  BeginAddingIndex(region, ByValue());
  const auto complete = [&](size_t index) {
    const TablePtr table = region.engine->FindTable("t");
    return table->definition.indexes.size() > index &&
           region.engine->StatusOf(*table, table->definition.indexes[index].id).complete;
  };
  while (!complete(0)) {
    region.executor.RunOne();
    if (region.engine->committer().BeginTurn()) region.engine->committer().EndTurn();
  }
  // The backfill is going to look what else there is.
  Submit(region, "late", TestItem("late", "y"));
  IndexDefinition second = ByValue();
  second.name = "second";
  BeginAddingIndex(region, second);
  ASSERT_TRUE(region.engine->committer().BeginTurn());
  ASSERT_EQ(region.engine->FindTable("t")->state->Indexes()->size(), 2u) << "it is shown";
  while (region.executor.RunOne()) {
  }
  region.engine->committer().EndTurn();
  EXPECT_FALSE(complete(1));
  region.RunAll();
  EXPECT_TRUE(complete(1));
  EXPECT_EQ(Check(region), std::vector<std::string>());
}

TEST(Indexes, ABackfillGoesOnAfterAPowerCut) {
  TestRegion region(1);
  region.CreateTable("t");
  for (int i = 0; i < 400; ++i) ASSERT_TRUE(region.Put("t", "k" + std::to_string(i), "x").ok());
  region.engine->UpdateTable(
      "t",
      [](TableDefinition& definition) {
        definition.indexes.push_back(ByValue());
        return Status();
      },
      region.executor, [](const auto&) {});
  for (int i = 0; i < 4; ++i) {
    region.executor.RunOne();
    if (region.engine->committer().BeginTurn()) region.engine->committer().EndTurn();
  }
  const int64_t filled = CountOf(region);
  EXPECT_GT(filled, 0);
  EXPECT_LT(filled, 400);
  region.Restart();
  EXPECT_EQ(CountOf(region), filled);
  EXPECT_EQ(Check(region), std::vector<std::string>());
  region.RunAll();
  EXPECT_EQ(CountOf(region), 400);
  EXPECT_EQ(Check(region), std::vector<std::string>());
}

TEST(Indexes, AnIndexThatIsRemovedTakesItsEntriesAndComesBackAsAnother) {
  TestRegion region(1);
  region.CreateTable("t");
  ASSERT_TRUE(region.Put("t", "a", "x").ok());
  ASSERT_TRUE(AddIndex(region, ByValue()).ok());
  const IndexId first = region.engine->FindTable("t")->definition.indexes[0].id;
  ASSERT_TRUE(Edit(region, [](TableDefinition& definition) {
                definition.indexes.clear();
                return Status();
              }).ok());
  const auto it = region.store.NewIterator(ColumnFamily::kIndexes, {});
  it->Seek("");
  EXPECT_FALSE(it->Valid());
  ASSERT_TRUE(AddIndex(region, ByValue()).ok());
  EXPECT_NE(region.engine->FindTable("t")->definition.indexes[0].id, first);
  EXPECT_EQ(CountOf(region), 1);
}

TEST(Indexes, RegionsThatAddTheSameIndexAtTheSameTimeAddOne) {
  TestRegion a(1), b(2);
  a.CreateTable("t");
  ASSERT_TRUE(b.PullFrom(a).ok());
  ASSERT_TRUE(AddIndex(a, ByValue()).ok());
  ASSERT_TRUE(AddIndex(b, ByValue()).ok());
  EXPECT_EQ(a.engine->FindTable("t")->definition.indexes,
            b.engine->FindTable("t")->definition.indexes);
}

TEST(Indexes, AClientMayNotWriteAKeyThatCannotStandInAnIndex) {
  TableDefinition definition = TestTable("t");
  definition.indexes.push_back(ByValue());
  item::ItemBuilder builder;
  builder.AddInteger("v", 1);
  const std::string wrong = builder.Finish();
  EXPECT_EQ(CheckIndexKeys(definition, item::ItemView(wrong), item::KeyWrite::kPut).message(),
            "One or more parameter values were invalid: Type mismatch for Index Key v Expected: S "
            "Actual: N IndexName: by-value");
  EXPECT_TRUE(
      CheckIndexKeys(definition, item::ItemView(TestItem("k", "")), item::KeyWrite::kPut).ok());
}

// Table "t", with its index from the beginning.
void CreateIndexed(TestRegion& region) {
  TableDefinition definition = TestTable("t");
  definition.indexes.push_back(ByValue());
  region.engine->CreateTable(definition, region.executor, [](const auto&) {});
  region.RunAll();
}

TEST(CheckIndexes, SeesWhatIsMissingTooManyAndChanged) {
  TestRegion region(1);
  CreateIndexed(region);
  ASSERT_TRUE(region.Put("t", "a", "x").ok());
  ASSERT_EQ(Check(region), std::vector<std::string>());
  const auto it = region.store.NewIterator(ColumnFamily::kIndexes, {});
  it->Seek("");
  const std::string key(it->key()), value(it->value());
  const auto damage = [&](std::string_view at, std::string_view with) {
    KvBatch batch;
    if (with.empty()) {
      batch.Delete(ColumnFamily::kIndexes, at);
    } else {
      batch.Put(ColumnFamily::kIndexes, at, with);
    }
    ASSERT_TRUE(region.store.Write(batch, Sync::kYes).ok());
  };
  damage(key, "");
  EXPECT_EQ(Check(region).size(), 1u);
  damage(key, "other");
  EXPECT_EQ(Check(region).size(), 1u);
  damage(key, value);
  damage(key + "x", value);
  EXPECT_EQ(Check(region).size(), 1u);
}

TEST(IndexChecker, JudgesEachStoreAsIfItWereAlone) {
  TestRegion region(1);
  CreateIndexed(region);
  for (const char* key : {"a", "c", "e"}) ASSERT_TRUE(region.Put("t", key, "x").ok());
  IndexChecker checker;
  ASSERT_EQ(checker.Check(region.store).value(), std::vector<std::string>());
  // Rows that are new, changed and gone, among some that are as they were.
  ASSERT_TRUE(region.Put("t", "b", "x").ok());
  ASSERT_TRUE(region.Put("t", "c", "y").ok());
  ASSERT_TRUE(region.Delete("t", "e").ok());
  EXPECT_EQ(checker.Check(region.store).value(), std::vector<std::string>());
  // Each of the entries is held against its row, whether or not that is known.
  std::vector<std::string> keys;
  const auto it = region.store.NewIterator(ColumnFamily::kIndexes, {});
  for (it->Seek(""); it->Valid(); it->Next()) keys.emplace_back(it->key());
  ASSERT_EQ(keys.size(), 3u);
  for (const std::string& key : keys) {
    KvBatch batch;
    batch.Put(ColumnFamily::kIndexes, key, "other");
    ASSERT_TRUE(region.store.Write(batch, Sync::kYes).ok());
  }
  EXPECT_EQ(checker.Check(region.store).value(), Check(region));
  EXPECT_EQ(Check(region).size(), 3u);
}

TEST(TableDefinition, KeepsItsIndexesAcrossTheWire) {
  TableDefinition definition = TestTable("t");
  IndexDefinition index = ByValue();
  index.key.sort = {{"x", KeyType::kNumber}, {"y", KeyType::kBinary}};
  index.projection = Projection::kInclude;
  index.included = {"p", "q"};
  index.read_units = 5;
  definition.indexes = {index, ByValue()};
  definition.indexes[1].name = "other";
  GiveIndexIds(definition, {});
  TableDefinition decoded;
  ASSERT_TRUE(DecodeTableDefinition(EncodeTableDefinition(definition), decoded));
  EXPECT_EQ(decoded, definition);
}

}  // namespace
}  // namespace everwrite::table
